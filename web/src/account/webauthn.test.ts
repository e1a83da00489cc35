import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { bytes, createPasskey, gaveUp, hasPasskeys, isKnown, text, usePasskey } from './webauthn';

const buffer = (...values: number[]) => Uint8Array.from(values).buffer;

describe('bytes as text', () => {
  it.each([[''], ['AA'], ['-_-_'], ['_w'], ['AQIDBA']])('%s comes back as it was', (base64url) => {
    expect(text(bytes(base64url).buffer)).toBe(base64url);
  });

  it('knows the alphabet of addresses and no padding', () => {
    expect([...bytes('-_8')]).toEqual([0xfb, 0xff]);
    expect(text(buffer(0xfb, 0xff, 0))).toBe('-_8A');
    expect(text(buffer(0xff))).toBe('_w');
  });
});

/** A browser that has passkeys and leaves the JSON to us. */
class OldCredential {
  id = 'AQI';
  rawId = buffer(1, 2);
  type = 'public-key';
  authenticatorAttachment = 'platform';
  response: unknown;
  constructor(response: unknown) {
    this.response = response;
  }
  getClientExtensionResults() {
    return {};
  }
}
class Attestation {
  clientDataJSON = buffer(3);
  attestationObject = buffer(4);
  getTransports() {
    return ['internal'];
  }
}
class Assertion {
  clientDataJSON = buffer(3);
  authenticatorData = buffer(5);
  signature = buffer(6);
  userHandle: ArrayBuffer | null = buffer(7);
}

const credentials = { create: vi.fn(), get: vi.fn() };

beforeEach(() => {
  vi.stubGlobal('PublicKeyCredential', OldCredential);
  vi.stubGlobal('AuthenticatorAttestationResponse', Attestation);
  vi.stubGlobal('AuthenticatorAssertionResponse', Assertion);
  Object.defineProperty(navigator, 'credentials', { value: credentials, configurable: true });
});
afterEach(() => {
  vi.unstubAllGlobals();
  Reflect.deleteProperty(navigator, 'credentials');
  credentials.create.mockReset();
  credentials.get.mockReset();
});

describe('a browser that does not convert', () => {
  it('makes a passkey from what the server sends, and answers what it takes', async () => {
    credentials.create.mockResolvedValue(new OldCredential(new Attestation()));
    const made = await createPasskey({
      rp: { id: 'localhost', name: 'Peisear' },
      user: { id: 'AQ', name: 'mika@example.org', displayName: 'Mika' },
      challenge: 'Ag',
      pubKeyCredParams: [{ type: 'public-key', alg: -7 }],
      excludeCredentials: [{ type: 'public-key', id: 'Aw' }],
      extensions: { credProps: true },
    });
    const { publicKey } = credentials.create.mock.calls[0]![0] as { publicKey: PublicKeyCredentialCreationOptions };
    expect(publicKey.challenge).toEqual(bytes('Ag'));
    expect(publicKey.user).toEqual({ id: bytes('AQ'), name: 'mika@example.org', displayName: 'Mika' });
    expect(publicKey.excludeCredentials).toEqual([{ type: 'public-key', id: bytes('Aw') }]);
    expect(made).toEqual({
      id: 'AQI',
      rawId: 'AQI',
      type: 'public-key',
      authenticatorAttachment: 'platform',
      clientExtensionResults: {},
      response: { clientDataJSON: 'Aw', attestationObject: 'BA', transports: ['internal'] },
    });
  });

  it('uses a passkey', async () => {
    credentials.get.mockResolvedValue(new OldCredential(new Assertion()));
    const used = await usePasskey({ challenge: 'Ag', rpId: 'localhost', userVerification: 'required' });
    expect(credentials.get.mock.calls).toEqual([
      [
        {
          publicKey: { challenge: bytes('Ag'), allowCredentials: [], rpId: 'localhost', userVerification: 'required' },
        },
      ],
    ]);
    expect(used).toMatchObject({
      response: { clientDataJSON: 'Aw', authenticatorData: 'BQ', signature: 'Bg', userHandle: 'Bw' },
    });
  });
});

describe('giving up', () => {
  it('is known from other trouble', async () => {
    credentials.get.mockResolvedValue(null);
    const reason: unknown = await usePasskey({ challenge: 'Ag' }).catch((thrown: unknown) => thrown);
    expect([gaveUp(reason), isKnown(reason)]).toEqual([true, false]);
    expect(gaveUp(new DOMException('', 'SecurityError'))).toBe(false);
    expect(isKnown(new DOMException('', 'InvalidStateError'))).toBe(true);
    expect(gaveUp(new TypeError())).toBe(false);
  });
});

it('is offered only where the address allows it', () => {
  vi.stubGlobal('isSecureContext', true);
  expect(hasPasskeys()).toBe(true);
  vi.stubGlobal('isSecureContext', false);
  expect(hasPasskeys()).toBe(false);
});
