"""A server of WebSockets that stores and checks nothing: how long the system itself takes to send to all of them."""

from __future__ import annotations

import selectors
import socket
import sys

UPGRADE = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
#: Bytes of a frame, about as many as the chat and the SDK send for the message of the benchmark.
SIZE = 500


def main(port: int) -> None:
    """Serve one request after the other, and send the body of each `/message` to all sockets."""
    sockets: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", port), backlog=1024) as listener, selectors.DefaultSelector() as selector:
        selector.register(listener, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                assert isinstance(key.fileobj, socket.socket)
                if key.fileobj is listener:
                    accepted = listener.accept()[0]
                    accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    selector.register(accepted, selectors.EVENT_READ)
                elif not _serve(key.fileobj, sockets):
                    selector.unregister(key.fileobj)
                    key.fileobj.close()


def _serve(connection: socket.socket, sockets: list[socket.socket]) -> bool:
    """Answer what came on a connection.

    :return: whether it is still open.
    """
    data = connection.recv(8192)
    if not data:
        if connection in sockets:
            sockets.remove(connection)
        return False
    if b"Upgrade: websocket" in data:
        sockets.append(connection)
        connection.sendall(UPGRADE)
    elif connection not in sockets:
        if data.startswith(b"POST /message"):
            _send(sockets, data.partition(b"\r\n\r\n")[2])
        connection.sendall(_answer(b'{"sessionId": "all"}'))
    return True


def _send(sockets: list[socket.socket], body: bytes) -> None:
    content = body.ljust(SIZE)
    frame = b"\x81\x7e" + len(content).to_bytes(2, "big") + content
    for one in sockets:
        one.send(frame)


def _answer(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: " + str(len(body)).encode() + b"\r\n\r\n" + body


if __name__ == "__main__":
    main(int(sys.argv[1]))
