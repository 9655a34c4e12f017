# %% right "text, both kinds in routes"
def routing(page, ticket, wait):
    return f"""
route:
  receiver: tickets
  group_by: [alertname]
  group_wait: {wait}
  group_interval: {wait}
  repeat_interval: 12h
  routes:
    - matchers: [severity = critical]
      receiver: telephone
    - matchers: [severity != critical]
      receiver: tickets
receivers:
  - name: telephone
    webhook_configs:
      - url: {page}
        send_resolved: true
  - name: tickets
    webhook_configs:
      - url: {ticket}
inhibit_rules:
  - source_matchers: [alertname = EngineDown, instance =~ ".+"]
    target_matchers: [severity = warning]
    equal: [instance]
"""

# %% right "the old words, and the job in the group"
def routing(page, ticket, wait):
    config = {"receivers": [{"name": "p", "webhook_configs": [{"url": page}]}, {"name": "t", "webhook_configs": [{"url": ticket}]}]}
    config["route"] = {
        "receiver": "t", "group_by": ["alertname", "severity"], "group_wait": wait, "group_interval": wait, "repeat_interval": "1d",
        "routes": [{"match": {"severity": "critical"}, "receiver": "p", "continue": False}],
    }
    config["inhibit_rules"] = [{"source_match": {"alertname": "EngineDown"}, "target_match": {"severity": "warning"}, "target_match_re": {"instance": ".+"}, "equal": ["instance"]}]
    return config

# %% wrong "no inhibition" points=0
def routing(page, ticket, wait):
    return {
        "route": {"receiver": "t", "group_by": ["alertname"], "group_wait": wait, "group_interval": wait, "repeat_interval": "4h", "routes": [{"matchers": ['severity="critical"'], "receiver": "p"}]},
        "receivers": [{"name": "t", "webhook_configs": [{"url": ticket}]}, {"name": "p", "webhook_configs": [{"url": page}]}],
    }

# %% wrong "a dead engine silences every warning" points=0
def routing(page, ticket, wait):
    return {
        "route": {"receiver": "t", "group_by": ["alertname"], "group_wait": wait, "group_interval": wait, "repeat_interval": "4h", "routes": [{"matchers": ['severity="critical"'], "receiver": "p"}]},
        "receivers": [{"name": "t", "webhook_configs": [{"url": ticket}]}, {"name": "p", "webhook_configs": [{"url": page}]}],
        "inhibit_rules": [{"source_matchers": ['alertname="EngineDown"'], "target_matchers": ['severity="warning"']}],
    }

# %% wrong "missing instances count as equal" points=0
def routing(page, ticket, wait):
    return {
        "route": {"receiver": "t", "group_by": ["alertname"], "group_wait": wait, "group_interval": wait, "repeat_interval": "4h", "routes": [{"matchers": ['severity="critical"'], "receiver": "p"}]},
        "receivers": [{"name": "t", "webhook_configs": [{"url": ticket}]}, {"name": "p", "webhook_configs": [{"url": page}]}],
        "inhibit_rules": [{"source_matchers": ['alertname="EngineDown"'], "target_matchers": ['severity="warning"'], "equal": ["instance"]}],
    }

# %% wrong "one notification for each replica" points=0
def routing(page, ticket, wait):
    return {
        "route": {"receiver": "t", "group_by": ["alertname", "instance"], "group_wait": wait, "group_interval": wait, "repeat_interval": "4h", "routes": [{"matchers": ['severity="critical"'], "receiver": "p"}]},
        "receivers": [{"name": "t", "webhook_configs": [{"url": ticket}]}, {"name": "p", "webhook_configs": [{"url": page}]}],
        "inhibit_rules": [{"source_matchers": ['alertname="EngineDown"', 'instance!=""'], "target_matchers": ['severity="warning"'], "equal": ["instance"]}],
    }

# %% wrong "everything in one notification" points=0
def routing(page, ticket, wait):
    return {
        "route": {"receiver": "t", "group_by": ["job"], "group_wait": wait, "group_interval": wait, "repeat_interval": "4h", "routes": [{"matchers": ['severity="critical"'], "receiver": "p"}]},
        "receivers": [{"name": "t", "webhook_configs": [{"url": ticket}]}, {"name": "p", "webhook_configs": [{"url": page}]}],
        "inhibit_rules": [{"source_matchers": ['alertname="EngineDown"', 'instance!=""'], "target_matchers": ['severity="warning"'], "equal": ["instance"]}],
    }

# %% wrong "critical alerts go to both" points=0
def routing(page, ticket, wait):
    return {
        "route": {
            "receiver": "t", "group_by": ["alertname"], "group_wait": wait, "group_interval": wait, "repeat_interval": "4h",
            "routes": [{"matchers": ['severity="critical"'], "receiver": "p", "continue": True}, {"matchers": ['severity=~".*"'], "receiver": "t"}],
        },
        "receivers": [{"name": "t", "webhook_configs": [{"url": ticket}]}, {"name": "p", "webhook_configs": [{"url": page}]}],
        "inhibit_rules": [{"source_matchers": ['alertname="EngineDown"', 'instance!=""'], "target_matchers": ['severity="warning"'], "equal": ["instance"]}],
    }

# %% wrong "changes are told after five minutes" points=0
def routing(page, ticket, wait):
    return {
        "route": {"receiver": "t", "group_by": ["alertname"], "group_wait": wait, "repeat_interval": "4h", "routes": [{"matchers": ['severity="critical"'], "receiver": "p"}]},
        "receivers": [{"name": "t", "webhook_configs": [{"url": ticket}]}, {"name": "p", "webhook_configs": [{"url": page}]}],
        "inhibit_rules": [{"source_matchers": ['alertname="EngineDown"', 'instance!=""'], "target_matchers": ['severity="warning"', 'instance!=""'], "equal": ["instance"]}],
    }

# %% wrong "nobody hears that it is over" points=0
def routing(page, ticket, wait):
    return {
        "route": {"receiver": "t", "group_by": ["alertname"], "group_wait": wait, "group_interval": wait, "repeat_interval": "4h", "routes": [{"matchers": ['severity="critical"'], "receiver": "p"}]},
        "receivers": [{"name": "t", "webhook_configs": [{"url": ticket, "send_resolved": False}]}, {"name": "p", "webhook_configs": [{"url": page, "send_resolved": False}]}],
        "inhibit_rules": [{"source_matchers": ['alertname="EngineDown"', 'instance!=""'], "target_matchers": ['severity="warning"', 'instance!=""'], "equal": ["instance"]}],
    }
