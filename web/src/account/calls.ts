/** What signing up and signing in ask of the server. */
import { ok, type Api, type Auth } from '../base/api';
import type { App } from '../base/state';
import type { LoginCalls, Options } from './login.svelte';
import { knownMethods } from './second-factor.svelte';
import type { SignupCalls } from './signup.svelte';
import { usePasskey } from './webauthn';

/** What this server offers. Throws when it cannot be reached. */
async function optionsOf(api: Api): Promise<Options> {
  const { registration, mail, providers } = await ok(api.GET('/api/auth/options'));
  return { open: registration === 'open', mail, providers };
}

export function signupCalls({ api, session }: App): SignupCalls {
  return {
    options: () => optionsOf(api),
    check: async (code) => {
      const { valid, email, role } = await ok(api.POST('/api/auth/signup/invite/check', { body: { code } }));
      return { valid, email: email ?? null, role: role === 'admin' ? 'admin' : 'user' };
    },
    signUp: async (body) => session.adopt((await ok(api.POST('/api/auth/signup/password', { body }))) as Auth),
  };
}

export function loginCalls({ api, session }: App): LoginCalls {
  return {
    options: () => optionsOf(api),
    async login(email, password) {
      const { factor, ...auth } = await ok(api.POST('/api/auth/login', { body: { email, password } }));
      return factor ? { token: factor.token, methods: knownMethods(factor.methods) } : (auth as Auth);
    },
    async passkey() {
      const { id, publicKey } = await ok(api.POST('/api/auth/passkey/options'));
      return (await ok(
        api.POST('/api/auth/passkey', { body: { id, credential: await usePasskey(publicKey) } }),
      )) as Auth;
    },
    factor: {
      code: async (method, token, code) =>
        (await ok(api.POST(`/api/auth/factor/${method}`, { body: { token, code } }))) as Auth,
      async passkey(token) {
        const { publicKey } = await ok(api.POST('/api/auth/factor/passkey/options', { body: { token } }));
        const credential = await usePasskey(publicKey);
        return (await ok(api.POST('/api/auth/factor/passkey', { body: { token, credential } }))) as Auth;
      },
    },
    adopt: (auth) => session.adopt(auth),
  };
}
