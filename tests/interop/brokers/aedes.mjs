// Aedes with a plain and a TLS listener. Arguments: its directory of modules, the ports, certificate and key.
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { createServer as createTlsServer } from "node:tls";
const [modules, port, tlsPort, cert, key] = process.argv.slice(2);
const { Aedes } = await import(`${modules}/aedes/aedes.js`);
console.log(`aedes version ${JSON.parse(readFileSync(`${modules}/aedes/package.json`)).version}`);
const broker = await Aedes.createBroker();
for (const event of ["clientError", "connectionError"]) {
    broker.on(event, (client, error) => console.log(`${event}: error: ${client?.id} ${error?.message}`));
}
broker.on("keepaliveTimeout", (client) => console.log(`keepaliveTimeout ${client.id}`));
createServer(broker.handle).listen(Number(port), "127.0.0.1");
createTlsServer({ cert: readFileSync(cert), key: readFileSync(key) }, broker.handle)
    .on("tlsClientError", (error) => console.log(`tlsClientError: error: ${error.message}`))
    .listen(Number(tlsPort), "127.0.0.1");
