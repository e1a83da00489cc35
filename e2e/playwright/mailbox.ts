import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** What has arrived, by whom it was for. */
export type Mail = { to: string; subject: string; text: string };

/** A mail server on loopback that keeps what it is sent: SMTP as RFC 5321 has it, as far as a client asks for it. */
export class Mailbox {
  readonly url: string;
  readonly #server: Server;
  readonly #mails: Mail[] = [];
  readonly #waiting = new Set<() => void>();

  private constructor(server: Server) {
    this.#server = server;
    this.url = `smtp://127.0.0.1:${(server.address() as AddressInfo).port}?starttls=off`;
  }

  static start(): Promise<Mailbox> {
    return new Promise((started, reject) => {
      const server = createServer((socket) => talk(socket, (mail) => mailbox.#arrived(mail)));
      let mailbox: Mailbox;
      server.once('error', reject);
      server.listen(0, '127.0.0.1', () => started((mailbox = new Mailbox(server))));
    });
  }

  stop(): Promise<void> {
    return new Promise((stopped) => this.#server.close(() => stopped()));
  }

  /** Takes the next mail for an address out; waits for it. */
  async next(to: string): Promise<Mail> {
    for (;;) {
      const at = this.#mails.findIndex((mail) => mail.to === to);
      if (at >= 0) return this.#mails.splice(at, 1)[0]!;
      await new Promise<void>((arrived) => this.#waiting.add(arrived));
    }
  }

  /** The link in the next mail for an address. */
  async link(to: string): Promise<string> {
    const { text } = await this.next(to);
    const [link] = /https?:\/\/\S+#code=\S+/.exec(text) ?? [];
    if (!link) throw new Error(`no link in the mail:\n${text}`);
    return link;
  }

  #arrived(mail: Mail): void {
    this.#mails.push(mail);
    for (const arrived of this.#waiting) arrived();
    this.#waiting.clear();
  }
}

function talk(socket: Socket, arrived: (mail: Mail) => void): void {
  let input = '';
  let to = '';
  let inData = false;
  const say = (line: string) => socket.write(`${line}\r\n`);

  function command(line: string): void {
    const [verb = ''] = line.toUpperCase().split(/[ :]/);
    if (verb === 'RCPT') to = /<(.*)>/.exec(line)?.[1] ?? '';
    if (verb === 'DATA') inData = true;
    if (verb === 'QUIT') socket.end('221 bye\r\n');
    else say(verb === 'DATA' ? '354 go on' : '250 ok');
  }

  say('220 mailbox');
  socket.setEncoding('utf8');
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk: string) => {
    input += chunk;
    for (;;) {
      const end = inData ? '\r\n.\r\n' : '\r\n';
      const at = input.indexOf(end);
      if (at < 0) return;
      const part = input.slice(0, at);
      input = input.slice(at + end.length);
      if (!inData) command(part);
      else {
        inData = false;
        arrived(read(to, part));
        say('250 ok');
      }
    }
  });
}

function read(to: string, message: string): Mail {
  const plain = message.replace(/^\.\./gm, '.');
  const gap = plain.indexOf('\r\n\r\n');
  const head = plain.slice(0, gap);
  const body = plain.slice(gap + 4);
  const quoted = /^content-transfer-encoding: *quoted-printable/im.test(plain);
  return { to, subject: /^subject: *(.*)$/im.exec(head)?.[1]?.trim() ?? '', text: quoted ? unquote(body) : body };
}

function unquote(text: string): string {
  const bytes = text.replace(/=\r\n/g, '').replace(/=([0-9A-F]{2})/g, (_, hex: string) => `%${hex}`);
  return bytes.replace(/(?:%[0-9A-F]{2})+/g, (escaped) => decodeURIComponent(escaped));
}
