import { generateKeyPairSync } from 'node:crypto';
import { createServer, type IncomingMessage, type Server as HttpServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';

// oidc-provider has no types; this is what is used of it.
type Account = { accountId: string; claims: () => Record<string, unknown> };
type Interaction = {
  uid: string;
  prompt: { name: string };
  params: Record<string, string>;
  session?: { accountId: string };
};
type Grant = { addOIDCScope(scope: string): void; save(): Promise<string> };
type Oidc = {
  proxy: boolean;
  callback(): (request: IncomingMessage, response: ServerResponse) => void;
  interactionDetails(request: IncomingMessage, response: ServerResponse): Promise<Interaction>;
  interactionFinished(
    request: IncomingMessage,
    response: ServerResponse,
    result: unknown,
    options: { mergeWithLastSubmission: boolean },
  ): Promise<void>;
  Grant: new (about: { accountId: string | undefined; clientId: string | undefined }) => Grant;
  Client: { prototype: { compareClientSecret(actual: string): Promise<boolean> } };
};
type OidcConstructor = new (issuer: string, configuration: unknown) => Oidc;

const MODULES = resolve(__dirname, '../../web/node_modules');

export const CLIENT = { id: 'peisear', secret: 'a secret of the browser tests' };

/**
 * A provider of OpenID Connect that others have written: oidc-provider, at http://localhost. The app of the tests is at
 * http://127.0.0.1, which to a browser is another site. People sign in with a name, and are name@example.org.
 */
export class Provider {
  readonly url: string;
  readonly #http: HttpServer;

  private constructor(url: string, http: HttpServer) {
    this.url = url;
    this.#http = http;
  }

  /** accepts decides about a client's secret that is not the agreed one, as Apple does. */
  static async start(
    redirect: string,
    accepts?: (secret: string, issuer: string) => Promise<boolean>,
  ): Promise<Provider> {
    const http = createServer();
    await new Promise<void>((listening) => http.listen(0, 'localhost', listening));
    const url = `http://localhost:${(http.address() as AddressInfo).port}`;
    const { default: Oidc } = (await import(`${MODULES}/oidc-provider/lib/index.js`)) as { default: OidcConstructor };
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const oidc = new Oidc(url, {
      jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256' }] },
      clients: [
        {
          client_id: CLIENT.id,
          client_secret: CLIENT.secret,
          redirect_uris: [redirect],
          token_endpoint_auth_method: accepts ? 'client_secret_post' : 'client_secret_basic',
        },
      ],
      claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
      conformIdTokenClaims: !accepts, // Apple has the address in the id_token
      cookies: { keys: ['of the browser tests'] },
      features: { devInteractions: { enabled: false } },
      findAccount: (_: unknown, id: string): Account => ({
        accountId: id,
        claims: () => ({ sub: id, email: `${id}@example.org`, email_verified: true, name: `${id} Example` }),
      }),
      interactions: { url: (_: unknown, interaction: Interaction) => `/interaction/${interaction.uid}` },
      pkce: { required: () => true },
      ttl: { Grant: 600, Interaction: 600, Session: 600, AccessToken: 600, IdToken: 600, AuthorizationCode: 60 },
    });
    if (accepts) oidc.Client.prototype.compareClientSecret = (secret) => accepts(secret, url);
    const protocol = oidc.callback();
    http.on('request', (request, response) => {
      if (!request.url?.startsWith('/interaction/')) return protocol(request, response);
      interact(oidc, request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
    });
    return new Provider(url, http);
  }

  async stop(): Promise<void> {
    this.#http.closeAllConnections();
    await new Promise((closed) => this.#http.close(closed));
  }
}

/** The provider's own page: it asks who it is, and takes consent for given. */
async function interact(oidc: Oidc, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { prompt, params, session } = await oidc.interactionDetails(request, response);
  const finish = (result: unknown) =>
    oidc.interactionFinished(request, response, result, { mergeWithLastSubmission: true });
  if (prompt.name === 'consent') {
    const grant = new oidc.Grant({ accountId: session?.accountId, clientId: params.client_id });
    grant.addOIDCScope(params.scope!);
    return finish({ consent: { grantId: await grant.save() } });
  }
  if (request.method !== 'POST') {
    response.writeHead(200, { 'Content-Type': 'text/html' });
    response.end(
      '<!doctype html><html lang="en"><title>Sign in</title><link rel="icon" href="data:,">' +
        '<form method="post"><label>Name <input name="name"></label>' +
        '<button>Sign in</button><button name="no" value="1">Cancel</button></form>',
    );
    return;
  }
  let body = '';
  for await (const chunk of request) body += String(chunk);
  const form = new URLSearchParams(body);
  if (form.has('no')) return finish({ error: 'access_denied', error_description: 'they said no' });
  return finish({ login: { accountId: form.get('name') } });
}
