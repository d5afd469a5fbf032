"""`tests/support/wsgi.py` under web servers that are none of gunicorn's: `NAME PORT`."""

from __future__ import annotations

import sys


def main(name: str, port: int) -> None:
    """Serve until killed."""
    if name == "pywsgi-patched":
        from gevent import monkey

        monkey.patch_all()
    from .wsgi import app

    if name == "waitress":
        import waitress

        waitress.serve(app, host="127.0.0.1", port=port, threads=4)
    elif name == "tornado":
        from tornado.httpserver import HTTPServer
        from tornado.ioloop import IOLoop
        from tornado.wsgi import WSGIContainer

        HTTPServer(WSGIContainer(app)).listen(port, "127.0.0.1")
        IOLoop.current().start()
    elif name == "wsgiref":
        from wsgiref.simple_server import make_server

        with make_server("127.0.0.1", port, app) as server:
            server.serve_forever()
    elif name == "werkzeug":
        app.run("127.0.0.1", port, threaded=False)
    else:
        from gevent.pywsgi import WSGIServer

        WSGIServer(("127.0.0.1", port), app).serve_forever()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
