"""The floor: an ASGI application that reads a body and answers with as many bytes as an answer has."""

ANSWER = b'{"answer": "' + b"x" * 320 + b'"}'


async def app(scope, receive, send):
    await receive()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(ANSWER))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": ANSWER})
