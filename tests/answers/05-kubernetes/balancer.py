# %% right "random two, with the same words in another order"
def balancer_config(replicas, port):
    lines = ["upstream pool {", "  random two least_conn;"]
    for address in replicas:
        lines.append("  server " + address + ";")
    lines += [
        "}",
        "proxy_http_version 1.1;",
        "server {",
        "  listen 127.0.0.1:%d;" % port,
        "  client_max_body_size 0;",
        "  proxy_next_upstream non_idempotent http_503 http_502 http_504 error timeout invalid_header;",
        "  proxy_next_upstream_tries 3;",
        "  location /v1/ { proxy_pass http://pool; proxy_buffering off; }",
        "  location / { proxy_pass http://pool; }",
        "}",
    ]
    return "\n".join(lines)


def balancer(replicas, port):
    return Balancer(balancer_config(replicas, port), port)

# %% right "a template, connections kept open"
TEMPLATE = """
upstream vllm {
    least_conn;
    SERVERS
    keepalive 16;
}
server {
    listen 127.0.0.1:PORT;
    location / {
        proxy_pass http://vllm;
        proxy_set_header Host $host;
        proxy_set_header Connection "";
        proxy_http_version 1.1;
        proxy_buffering off;
        proxy_request_buffering on;
        client_max_body_size 20m;
        proxy_connect_timeout 2s;
        proxy_read_timeout 10m;
        proxy_next_upstream error timeout http_503 http_429 non_idempotent;
    }
}
"""


def balancer_config(replicas, port):
    servers = "".join(f"server {r} max_fails=2 fail_timeout=30s;\n" for r in replicas)
    return TEMPLATE.replace("SERVERS", servers).replace("PORT", str(port))


def balancer(replicas, port):
    """nginx with this configuration, to be used in a `with` block."""
    return Balancer(balancer_config(replicas, port), port)

# %% wrong "the example of the text" points=0
def balancer_config(replicas, port):
    servers = "\n".join(f"    server {replica};" for replica in replicas)
    return f"upstream engines {{\n{servers}\n}}\nserver {{\n    listen 127.0.0.1:{port};\n    location / {{\n        proxy_pass http://engines;\n    }}\n}}\n"


def balancer(replicas, port):
    return Balancer(balancer_config(replicas, port), port)

# %% wrong "a POST is not repeated" points=4
def balancer_config(replicas, port):
    servers = "\n".join(f"    server {replica};" for replica in replicas)
    return f"""
upstream engines {{
    least_conn;
{servers}
}}
server {{
    listen 127.0.0.1:{port};
    client_max_body_size 8m;
    location / {{
        proxy_pass http://engines;
        proxy_http_version 1.1;
        proxy_next_upstream error timeout http_503;
        proxy_buffering off;
    }}
}}
"""


def balancer(replicas, port):
    return Balancer(balancer_config(replicas, port), port)

# %% wrong "a replica that loads is not passed over" points=4
def balancer_config(replicas, port):
    servers = "\n".join(f"    server {replica};" for replica in replicas)
    return f"""
upstream engines {{
    least_conn;
{servers}
}}
server {{
    listen 127.0.0.1:{port};
    client_max_body_size 8m;
    location / {{
        proxy_pass http://engines;
        proxy_next_upstream error timeout non_idempotent;
        proxy_buffering off;
    }}
}}
"""


def balancer(replicas, port):
    return Balancer(balancer_config(replicas, port), port)

# %% wrong "a broken request visits them all" points=4
def balancer_config(replicas, port):
    servers = "\n".join(f"    server {replica};" for replica in replicas)
    return f"""
upstream engines {{
    least_conn;
{servers}
}}
server {{
    listen 127.0.0.1:{port};
    client_max_body_size 8m;
    location / {{
        proxy_pass http://engines;
        proxy_next_upstream error timeout http_500 http_502 http_503 http_504 non_idempotent;
        proxy_buffering off;
    }}
}}
"""


def balancer(replicas, port):
    return Balancer(balancer_config(replicas, port), port)

# %% wrong "a dead replica is asked each time" points=4
def balancer_config(replicas, port):
    servers = "\n".join(f"    server {replica} max_fails=0;" for replica in replicas)
    return f"""
upstream engines {{
    least_conn;
{servers}
}}
server {{
    listen 127.0.0.1:{port};
    client_max_body_size 8m;
    location / {{
        proxy_pass http://engines;
        proxy_next_upstream error timeout http_503 non_idempotent;
        proxy_buffering off;
    }}
}}
"""


def balancer(replicas, port):
    return Balancer(balancer_config(replicas, port), port)

# %% wrong "in turn" points=5
def balancer_config(replicas, port):
    servers = "\n".join(f"    server {replica};" for replica in replicas)
    return f"""
upstream engines {{
{servers}
}}
server {{
    listen 127.0.0.1:{port};
    client_max_body_size 8m;
    location / {{
        proxy_pass http://engines;
        proxy_next_upstream error timeout http_503 non_idempotent;
        proxy_buffering off;
    }}
}}
"""


def balancer(replicas, port):
    return Balancer(balancer_config(replicas, port), port)

# %% wrong "compressed streams" points=5
def balancer_config(replicas, port):
    servers = "\n".join(f"    server {replica};" for replica in replicas)
    return f"""
upstream engines {{
    least_conn;
{servers}
}}
server {{
    listen 127.0.0.1:{port};
    client_max_body_size 8m;
    gzip on;
    gzip_proxied any;
    gzip_types application/json text/event-stream;
    location / {{
        proxy_pass http://engines;
        proxy_next_upstream error timeout http_503 non_idempotent;
    }}
}}
"""


def balancer(replicas, port):
    return Balancer(balancer_config(replicas, port), port)

# %% wrong "long prompts are refused" points=5
def balancer_config(replicas, port):
    servers = "\n".join(f"    server {replica};" for replica in replicas)
    return f"""
upstream engines {{
    least_conn;
{servers}
}}
server {{
    listen 127.0.0.1:{port};
    location / {{
        proxy_pass http://engines;
        proxy_next_upstream error timeout http_503 non_idempotent;
        proxy_buffering off;
    }}
}}
"""


def balancer(replicas, port):
    return Balancer(balancer_config(replicas, port), port)

# %% wrong "open to the network" points=0
def balancer_config(replicas, port):
    servers = "\n".join(f"    server {replica};" for replica in replicas)
    return f"""
upstream engines {{
    least_conn;
{servers}
}}
server {{
    listen {port};
    client_max_body_size 8m;
    location / {{
        proxy_pass http://engines;
        proxy_next_upstream error timeout http_503 non_idempotent;
        proxy_buffering off;
    }}
}}
"""


def balancer(replicas, port):
    return Balancer(balancer_config(replicas, port), port)

# %% wrong "the first replica only" points=0
def balancer_config(replicas, port):
    return f"""
server {{
    listen 127.0.0.1:{port};
    client_max_body_size 8m;
    location / {{
        proxy_pass http://{replicas[0]};
        proxy_buffering off;
    }}
}}
"""


def balancer(replicas, port):
    return Balancer(balancer_config(replicas, port), port)

# %% wrong "a client stays with one replica" points=3
def balancer_config(replicas, port):
    servers = "\n".join(f"    server {replica};" for replica in replicas)
    return f"""
upstream engines {{
    ip_hash;
{servers}
}}
server {{
    listen 127.0.0.1:{port};
    client_max_body_size 8m;
    location / {{
        proxy_pass http://engines;
        proxy_next_upstream error timeout http_503 non_idempotent;
        proxy_buffering off;
    }}
}}
"""


def balancer(replicas, port):
    return Balancer(balancer_config(replicas, port), port)

# %% wrong "streams are collected" points=5
def balancer_config(replicas, port):
    servers = "\n".join(f"    server {replica};" for replica in replicas)
    return f"""
upstream engines {{
    least_conn;
{servers}
}}
server {{
    listen 127.0.0.1:{port};
    client_max_body_size 8m;
    location / {{
        proxy_pass http://engines;
        proxy_http_version 1.1;
        proxy_next_upstream error timeout http_503 non_idempotent;
    }}
}}
"""


def balancer(replicas, port):
    return Balancer(balancer_config(replicas, port), port)

# %% wrong "only what lies under /v1/ is passed on" points=5
def balancer_config(replicas, port):
    """nginx's `upstream` and `server` blocks for these replicas, as text."""
    servers = "\n".join(f"    server {replica} max_fails=1 fail_timeout=10s;" for replica in replicas)
    return f"""
upstream engines {{
    least_conn;
{servers}
}}
server {{
    listen 127.0.0.1:{port};
    client_max_body_size 8m;
    location /v1/ {{
        proxy_pass http://engines;
        proxy_http_version 1.1;
        proxy_next_upstream error timeout http_503 non_idempotent;
        proxy_read_timeout 600s;
        proxy_buffering off;
    }}
}}
"""


def balancer(replicas, port):
    """nginx with this configuration, to be used in a `with` block."""
    return Balancer(balancer_config(replicas, port), port)
