"""What a finished run means for a scheduler: who is taken out of it, who goes back in. Pure; the command line acts."""
