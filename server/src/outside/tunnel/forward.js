// What a container without a network has instead of one: connections over the standard streams of this program.
// A frame is a kind (0 open, 1 data, 2 close, 3 ready), a connection's number and a length, then the data. Odd
// numbers are connections that come from the container, even ones those that go to the agent.
const net = require("node:net");
const [gateway, agent] = process.argv.slice(-2).map(Number);
const [OPEN, DATA, CLOSE, READY, HEAD] = [0, 1, 2, 3, 9];
const sockets = new Map();
const send = (kind, number, data = Buffer.alloc(0)) => {
  const head = Buffer.alloc(HEAD);
  head.writeUInt8(kind, 0);
  head.writeUInt32BE(number, 1);
  head.writeUInt32BE(data.length, 5);
  process.stdout.write(Buffer.concat([head, data]));
};
const add = (number, socket) => {
  let over = false;
  const close = () => {
    if (!over) send(CLOSE, number);
    over = true;
  };
  sockets.set(number, socket);
  socket.on("data", (data) => send(DATA, number, data));
  socket.on("end", close);
  socket.on("error", () => socket.destroy());
  socket.on("close", () => {
    sockets.delete(number);
    close();
  });
};
let next = 1;
net
  .createServer({ allowHalfOpen: true }, (socket) => {
    send(OPEN, next);
    add(next, socket);
    next += 2;
  })
  .listen(gateway, "127.0.0.1", () => send(READY, 0));
let held = Buffer.alloc(0);
process.stdin.on("data", (data) => {
  held = Buffer.concat([held, data]);
  while (held.length >= HEAD && held.length >= HEAD + held.readUInt32BE(5)) {
    const [kind, number, end] = [held.readUInt8(0), held.readUInt32BE(1), HEAD + held.readUInt32BE(5)];
    const content = held.subarray(HEAD, end);
    held = held.subarray(end);
    if (kind === OPEN) add(number, net.connect({ port: agent, host: "127.0.0.1", allowHalfOpen: true }));
    else if (kind === DATA) sockets.get(number)?.write(content);
    else if (kind === CLOSE) sockets.get(number)?.end();
  }
});
process.stdin.on("end", () => process.exit(0));
process.stdout.on("error", () => process.exit(0));
