"""`headrace import`: the settings of other proxies as settings of this one."""
