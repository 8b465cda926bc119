# What a container without a network has instead of one: connections over the standard streams of this program.
# A frame is a kind (0 open, 1 data, 2 close, 3 ready), a connection's number and a length, then the data. Odd
# numbers are connections that come from the container, even ones those that go to the agent.
import asyncio
import struct
import sys

GATEWAY, AGENT = int(sys.argv[1]), int(sys.argv[2])
OPEN, DATA, CLOSE, READY = range(4)
HEAD = struct.Struct(">BII")
# Who may still be written to, and who may still be read from.
writers, readers = {}, set()
tasks = set()


async def main():
    loop = asyncio.get_running_loop()
    frames = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(frames), sys.stdin.buffer)
    pipe, protocol = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, sys.stdout.buffer)
    output = asyncio.StreamWriter(pipe, protocol, None, loop)
    turn = asyncio.Lock()

    async def send(kind, number, data=b""):
        async with turn:
            output.write(HEAD.pack(kind, number, len(data)) + data)
            await output.drain()

    async def pump(number, reader, writer):
        try:
            while data := await reader.read(65536):
                await send(DATA, number, data)
        except OSError:
            pass
        readers.discard(number)
        await send(CLOSE, number)
        if number not in writers:
            writer.close()

    # Before anything is awaited: the other side may close a connection at once, and still wants its answer.
    def admit(number, writer):
        writers[number] = writer
        readers.add(number)

    def begin(number, reader, writer):
        task = loop.create_task(pump(number, reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    numbers = iter(range(1, 2**32, 2))

    async def accepted(reader, writer):
        number = next(numbers)
        admit(number, writer)
        await send(OPEN, number)
        begin(number, reader, writer)

    server = await asyncio.start_server(accepted, "127.0.0.1", GATEWAY, backlog=64)
    await send(READY, 0)
    while True:
        kind, number, size = HEAD.unpack(await frames.readexactly(HEAD.size))
        data = await frames.readexactly(size)
        if kind == OPEN:
            try:
                reader, writer = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", AGENT), 5)
            except (OSError, asyncio.TimeoutError):
                await send(CLOSE, number)
                continue
            admit(number, writer)
            begin(number, reader, writer)
        elif kind == DATA and number in writers:
            writers[number].write(data)
        elif kind == CLOSE and number in writers:
            writer = writers.pop(number)
            try:
                if number in readers and writer.can_write_eof():
                    writer.write_eof()
                else:
                    writer.close()
            except OSError:
                writer.close()


try:
    asyncio.run(main())
except (asyncio.IncompleteReadError, BrokenPipeError, ConnectionResetError):
    pass  # the other side has gone, and so has the reason to be here
