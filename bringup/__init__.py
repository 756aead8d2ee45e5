"""bringup: is this GPU cluster ready for tenants, and if not, who must walk where and do what?"""

__version__ = "0.1.0"
