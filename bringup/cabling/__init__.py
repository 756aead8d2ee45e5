"""Where cables end: what the fabric and the switches tell, against the plan or against the other nodes. All pure."""
