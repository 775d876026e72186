// A reverse proxy before the API that sees what a front end sends, and spoils it when it is told to.
import http from 'node:http';

export async function startProxy(api) {
  const { hostname, port } = new URL(api);
  const proxy = {
    sent: [], // the name of each operation
    refreshing: 0,
    mostRefreshing: 0,
    spoil: 0, // of so many requests the access token is made one that the server refuses
    down: false, // closes each connection
  };
  const server = http.createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    if (proxy.down) return request.socket.destroy();
    const name = /(?:mutation|query) (\w+)/.exec(body.toString())?.[1];
    if (name) proxy.sent.push(name);
    const { authorization, ...headers } = request.headers;
    const bad = authorization && name !== 'Refresh' && proxy.spoil > 0;
    if (bad) proxy.spoil -= 1;
    if (authorization) headers.authorization = bad ? `${authorization}x` : authorization;
    if (name === 'Refresh') {
      proxy.refreshing += 1;
      proxy.mostRefreshing = Math.max(proxy.mostRefreshing, proxy.refreshing);
      await new Promise((resolve) => { setTimeout(resolve, 300); }); // so that another one would meet it
    }
    const onward = http.request({ hostname, port, path: request.url, method: request.method, headers }, (answer) => {
      if (name === 'Refresh') proxy.refreshing -= 1;
      response.writeHead(answer.statusCode, answer.rawHeaders);
      answer.pipe(response);
    });
    onward.on('error', () => request.socket.destroy());
    onward.end(body);
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  proxy.url = `http://127.0.0.1:${server.address().port}/graphql`;
  proxy.count = (name) => proxy.sent.filter((sent) => sent === name).length;
  proxy.clear = () => { proxy.sent = []; proxy.mostRefreshing = 0; };
  proxy.close = () => { server.close(); server.closeAllConnections(); };
  return proxy;
}
