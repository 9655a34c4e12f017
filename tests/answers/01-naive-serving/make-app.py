# Recorded answers to "make-app": good requests 2 points, bad 2, concurrent 2, failing model 2.

# %% right "error handlers instead of try"
def make_app(backend_name):
    app = flask.Flask(__name__)
    backend = load_backend(backend_name)
    one_at_a_time = threading.Semaphore(1)

    @app.errorhandler(ValueError)
    def refused(error):
        return flask.jsonify(error_body(str(error))), 400

    @app.errorhandler(500)
    def failed(error):
        return flask.jsonify(error_body("Internal error. Try again later.", "server_error")), 500

    @app.route("/v1/completions", methods=["POST"])
    def complete():
        wanted = read_request(flask.request.data)
        count = backend.count_tokens(wanted["prompt"])
        if count > backend.max_prompt_tokens:
            raise ValueError(f"prompt: {count} tokens are more than {backend.max_prompt_tokens}")
        with one_at_a_time:
            done = backend.generate(**wanted)
        return flask.jsonify(completion_body(done, backend.name, wanted["max_tokens"])), 200

    return app

# %% right "a blueprint, and a log of what failed"
from werkzeug.exceptions import HTTPException


def make_app(backend_name):
    model = load_backend(backend_name)
    gate = threading.Lock()
    api = flask.Blueprint("api", "api", url_prefix="/v1")

    @api.post("/completions")
    def completions():
        try:
            request = read_request(flask.request.get_data())
            size = model.count_tokens(request["prompt"])
            if size > model.max_prompt_tokens:
                raise ValueError(f"The prompt is {size} tokens long, the limit is {model.max_prompt_tokens}.")
        except ValueError as problem:
            return error_body(str(problem)), 400
        gate.acquire()
        try:
            completion = model.generate(request["prompt"], request["max_tokens"])
        finally:
            gate.release()
        return completion_body(completion, model.name, request["max_tokens"])

    app = flask.Flask("server")
    app.register_blueprint(api)

    @app.errorhandler(Exception)
    def anything_else(error):
        if isinstance(error, HTTPException):
            return error_body(error.name), error.code
        app.logger.exception("generation failed")
        return error_body("An unexpected error happened.", "server_error"), 500

    return app

# %% right "one worker thread instead of a lock"
def make_app(backend_name):
    app = flask.Flask("naive")
    backend = load_backend(backend_name)
    worker = ThreadPoolExecutor(max_workers=1)

    def complete():
        try:
            wanted = read_request(flask.request.get_data())
        except ValueError as error:
            return flask.Response(json.dumps(error_body(str(error))), 400, mimetype="application/json")
        prompt, max_tokens = wanted["prompt"], wanted["max_tokens"]
        if backend.count_tokens(prompt) > backend.max_prompt_tokens:
            message = f"{backend.count_tokens(prompt)} tokens; the most is {backend.max_prompt_tokens}"
            return flask.Response(json.dumps(error_body(message)), 400, mimetype="application/json")
        try:
            completion = worker.submit(backend.generate, prompt, max_tokens).result()
        except Exception as error:
            print("failed:", type(error).__name__)
            return error_body("The model failed.", "server_error"), 500
        return completion_body(completion, backend.name, max_tokens)

    app.add_url_rule("/v1/completions", "complete", complete, methods=["POST"])
    return app

# %% wrong "no lock" points=6
def make_app(backend_name):
    app = flask.Flask("naive")
    backend = load_backend(backend_name)

    @app.post("/v1/completions")
    def completions():
        try:
            wanted = read_request(flask.request.get_data())
        except ValueError as error:
            return error_body(str(error)), 400
        n = backend.count_tokens(wanted["prompt"])
        if n > backend.max_prompt_tokens:
            return error_body(f"{n} tokens, allowed are {backend.max_prompt_tokens}"), 400
        try:
            completion = backend.generate(wanted["prompt"], wanted["max_tokens"])
        except Exception:
            return error_body("Something failed.", "server_error"), 500
        return completion_body(completion, backend.name, wanted["max_tokens"])

    return app

# %% wrong "a new lock for every request" points=6
def make_app(backend_name):
    app = flask.Flask("naive")
    backend = load_backend(backend_name)

    @app.post("/v1/completions")
    def completions():
        try:
            wanted = read_request(flask.request.get_data())
        except ValueError as error:
            return error_body(str(error)), 400
        n = backend.count_tokens(wanted["prompt"])
        if n > backend.max_prompt_tokens:
            return error_body(f"{n} tokens, allowed are {backend.max_prompt_tokens}"), 400
        try:
            with threading.Lock():
                completion = backend.generate(wanted["prompt"], wanted["max_tokens"])
        except Exception:
            return error_body("Something failed.", "server_error"), 500
        return completion_body(completion, backend.name, wanted["max_tokens"])

    return app

# %% wrong "characters taken for tokens" points=4
def make_app(backend_name):
    app = flask.Flask("naive")
    backend = load_backend(backend_name)
    lock = threading.Lock()

    @app.post("/v1/completions")
    def completions():
        try:
            wanted = read_request(flask.request.get_data())
        except ValueError as error:
            return error_body(str(error)), 400
        n = len(wanted["prompt"])
        if n > backend.max_prompt_tokens:
            return error_body(f"{n} tokens, allowed are {backend.max_prompt_tokens}"), 400
        try:
            with lock:
                completion = backend.generate(wanted["prompt"], wanted["max_tokens"])
        except Exception:
            return error_body("Something failed.", "server_error"), 500
        return completion_body(completion, backend.name, wanted["max_tokens"])

    return app

# %% wrong "Flask reads the JSON" points=4
def make_app(backend_name):
    app = flask.Flask("naive")
    backend = load_backend(backend_name)
    lock = threading.Lock()

    @app.post("/v1/completions")
    def completions():
        try:
            wanted = read_request(json.dumps(flask.request.get_json()).encode())
        except ValueError as error:
            return error_body(str(error)), 400
        n = backend.count_tokens(wanted["prompt"])
        if n > backend.max_prompt_tokens:
            return error_body(f"{n} tokens, allowed are {backend.max_prompt_tokens}"), 400
        try:
            with lock:
                completion = backend.generate(wanted["prompt"], wanted["max_tokens"])
        except Exception:
            return error_body("Something failed.", "server_error"), 500
        return completion_body(completion, backend.name, wanted["max_tokens"])

    return app

# %% wrong "shows the exception to the caller" points=6
def make_app(backend_name):
    app = flask.Flask("naive")
    backend = load_backend(backend_name)
    lock = threading.Lock()

    @app.post("/v1/completions")
    def completions():
        try:
            wanted = read_request(flask.request.get_data())
        except ValueError as error:
            return error_body(str(error)), 400
        n = backend.count_tokens(wanted["prompt"])
        if n > backend.max_prompt_tokens:
            return error_body(f"{n} tokens, allowed are {backend.max_prompt_tokens}"), 400
        try:
            with lock:
                completion = backend.generate(wanted["prompt"], wanted["max_tokens"])
        except Exception as error:
            return error_body(f"Something failed: {error!r}", "server_error"), 500
        return completion_body(completion, backend.name, wanted["max_tokens"])

    return app

# %% wrong "no answer of its own when the model fails" points=6
def make_app(backend_name):
    app = flask.Flask("naive")
    backend = load_backend(backend_name)
    lock = threading.Lock()

    @app.post("/v1/completions")
    def completions():
        try:
            wanted = read_request(flask.request.get_data())
        except ValueError as error:
            return error_body(str(error)), 400
        n = backend.count_tokens(wanted["prompt"])
        if n > backend.max_prompt_tokens:
            return error_body(f"{n} tokens, allowed are {backend.max_prompt_tokens}"), 400
        with lock:
            completion = backend.generate(wanted["prompt"], wanted["max_tokens"])
        return completion_body(completion, backend.name, wanted["max_tokens"])

    return app

# %% wrong "the lock stays shut after a failure" points=6
def make_app(backend_name):
    app = flask.Flask("naive")
    backend = load_backend(backend_name)
    lock = threading.Lock()

    @app.post("/v1/completions")
    def completions():
        try:
            wanted = read_request(flask.request.get_data())
        except ValueError as error:
            return error_body(str(error)), 400
        n = backend.count_tokens(wanted["prompt"])
        if n > backend.max_prompt_tokens:
            return error_body(f"{n} tokens, allowed are {backend.max_prompt_tokens}"), 400
        try:
            lock.acquire()
            completion = backend.generate(wanted["prompt"], wanted["max_tokens"])
            lock.release()
        except Exception:
            return error_body("Something failed.", "server_error"), 500
        return completion_body(completion, backend.name, wanted["max_tokens"])

    return app

# %% wrong "refusals wait for the lock" points=6
def make_app(backend_name):
    app = flask.Flask("naive")
    backend = load_backend(backend_name)
    lock = threading.Lock()

    @app.post("/v1/completions")
    def completions():
        with lock:
            try:
                wanted = read_request(flask.request.get_data())
            except ValueError as error:
                return error_body(str(error)), 400
            n = backend.count_tokens(wanted["prompt"])
            if n > backend.max_prompt_tokens:
                return error_body(f"{n} tokens, allowed are {backend.max_prompt_tokens}"), 400
            try:
                completion = backend.generate(wanted["prompt"], wanted["max_tokens"])
            except Exception:
                return error_body("Something failed.", "server_error"), 500
        return completion_body(completion, backend.name, wanted["max_tokens"])

    return app

# %% wrong "refusals with status 200" points=6
def make_app(backend_name):
    app = flask.Flask("naive")
    backend = load_backend(backend_name)
    lock = threading.Lock()

    @app.post("/v1/completions")
    def completions():
        try:
            wanted = read_request(flask.request.get_data())
        except ValueError as error:
            return error_body(str(error))
        n = backend.count_tokens(wanted["prompt"])
        if n > backend.max_prompt_tokens:
            return error_body(f"{n} tokens, allowed are {backend.max_prompt_tokens}"), 400
        try:
            with lock:
                completion = backend.generate(wanted["prompt"], wanted["max_tokens"])
        except Exception:
            return error_body("Something failed.", "server_error"), 500
        return completion_body(completion, backend.name, wanted["max_tokens"])

    return app

# %% wrong "a handler that turns every 404 into 500" points=6
def make_app(backend_name):
    app = flask.Flask("naive")
    backend = load_backend(backend_name)
    lock = threading.Lock()

    @app.post("/v1/completions")
    def completions():
        try:
            wanted = read_request(flask.request.get_data())
        except ValueError as error:
            return error_body(str(error)), 400
        n = backend.count_tokens(wanted["prompt"])
        if n > backend.max_prompt_tokens:
            return error_body(f"{n} tokens, allowed are {backend.max_prompt_tokens}"), 400
        try:
            with lock:
                completion = backend.generate(wanted["prompt"], wanted["max_tokens"])
        except Exception:
            return error_body("Something failed.", "server_error"), 500
        return completion_body(completion, backend.name, wanted["max_tokens"])

    @app.errorhandler(Exception)
    def failed(error):
        return error_body("Something failed.", "server_error"), 500

    return app

# %% wrong "max_tokens is not passed on" points=4
def make_app(backend_name):
    app = flask.Flask("naive")
    backend = load_backend(backend_name)
    lock = threading.Lock()

    @app.post("/v1/completions")
    def completions():
        try:
            wanted = read_request(flask.request.get_data())
        except ValueError as error:
            return error_body(str(error)), 400
        n = backend.count_tokens(wanted["prompt"])
        if n > backend.max_prompt_tokens:
            return error_body(f"{n} tokens, allowed are {backend.max_prompt_tokens}"), 400
        try:
            with lock:
                completion = backend.generate(wanted["prompt"], 16)
        except Exception:
            return error_body("Something failed.", "server_error"), 500
        return completion_body(completion, backend.name, wanted["max_tokens"])

    return app

# %% wrong "turns everybody away who would have to wait" points=6
def make_app(backend_name):
    app = flask.Flask("naive")
    backend = load_backend(backend_name)
    lock = threading.Lock()

    @app.post("/v1/completions")
    def completions():
        try:
            wanted = read_request(flask.request.get_data())
        except ValueError as error:
            return error_body(str(error)), 400
        n = backend.count_tokens(wanted["prompt"])
        if n > backend.max_prompt_tokens:
            return error_body(f"{n} tokens, allowed are {backend.max_prompt_tokens}"), 400
        if not lock.acquire(blocking=False):
            return error_body("Busy, try again.", "server_error"), 503
        try:
            completion = backend.generate(wanted["prompt"], wanted["max_tokens"])
        except Exception:
            return error_body("Something failed.", "server_error"), 500
        finally:
            lock.release()
        return completion_body(completion, backend.name, wanted["max_tokens"])

    return app

# %% wrong "the longest allowed prompt is refused" points=6
def make_app(backend_name):
    app = flask.Flask("naive")
    backend = load_backend(backend_name)
    lock = threading.Lock()

    @app.post("/v1/completions")
    def completions():
        try:
            wanted = read_request(flask.request.get_data())
        except ValueError as error:
            return error_body(str(error)), 400
        n = backend.count_tokens(wanted["prompt"])
        if n >= backend.max_prompt_tokens:
            return error_body(f"{n} tokens, allowed are {backend.max_prompt_tokens}"), 400
        try:
            with lock:
                completion = backend.generate(wanted["prompt"], wanted["max_tokens"])
        except Exception:
            return error_body("Something failed.", "server_error"), 500
        return completion_body(completion, backend.name, wanted["max_tokens"])

    return app

# %% wrong "words taken for tokens, and 64 for the limit" points=6
def make_app(backend_name):
    app = flask.Flask("naive")
    backend = load_backend(backend_name)
    lock = threading.Lock()

    @app.post("/v1/completions")
    def completions():
        try:
            wanted = read_request(flask.request.get_data())
        except ValueError as error:
            return error_body(str(error)), 400
        n = len(wanted["prompt"].split())
        if n > 64:
            return error_body(f"{n} tokens, allowed are {64}"), 400
        try:
            with lock:
                completion = backend.generate(wanted["prompt"], wanted["max_tokens"])
        except Exception:
            return error_body("Something failed.", "server_error"), 500
        return completion_body(completion, backend.name, wanted["max_tokens"])

    return app
