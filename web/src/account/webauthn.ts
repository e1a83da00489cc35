/**
 * Passkeys: the browser's ceremonies, with what the server sends and takes as JSON (WebAuthn level 3). Browsers that
 * do not convert it themselves get the same from here.
 */

/** Whether this browser, on this address, can have passkeys at all: http is enough on localhost only. */
export function hasPasskeys(): boolean {
  return typeof PublicKeyCredential === 'function' && isSecureContext;
}

/** Makes a passkey. Throws DOMException when the person or the browser gives up. */
export async function createPasskey(options: unknown): Promise<unknown> {
  const json = options as PublicKeyCredentialCreationOptionsJSON;
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON?.(json) ?? creationOptions(json);
  return answer(await navigator.credentials.create({ publicKey }));
}

/** Uses a passkey. Throws DOMException when the person or the browser gives up. */
export async function usePasskey(options: unknown): Promise<unknown> {
  const json = options as PublicKeyCredentialRequestOptionsJSON;
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON?.(json) ?? requestOptions(json);
  return answer(await navigator.credentials.get({ publicKey }));
}

/** Whether the person closed the browser's dialog, or let it run out. */
export function gaveUp(reason: unknown): boolean {
  return reason instanceof DOMException && (reason.name === 'NotAllowedError' || reason.name === 'AbortError');
}

/** Whether the device holds a passkey of this account already. */
export function isKnown(reason: unknown): boolean {
  return reason instanceof DOMException && reason.name === 'InvalidStateError';
}

function answer(credential: Credential | null): unknown {
  if (!(credential instanceof PublicKeyCredential)) throw new DOMException('no credential', 'NotAllowedError');
  return typeof credential.toJSON === 'function' ? credential.toJSON() : credentialJSON(credential);
}

function creationOptions(json: PublicKeyCredentialCreationOptionsJSON): PublicKeyCredentialCreationOptions {
  const { challenge, user, excludeCredentials, authenticatorSelection, attestation } = json;
  return {
    rp: json.rp,
    pubKeyCredParams: json.pubKeyCredParams,
    challenge: bytes(challenge),
    user: { ...user, id: bytes(user.id) },
    excludeCredentials: descriptors(excludeCredentials),
    ...(json.timeout === undefined ? {} : { timeout: json.timeout }),
    ...(authenticatorSelection ? { authenticatorSelection } : {}),
    ...(attestation ? { attestation: attestation as AttestationConveyancePreference } : {}),
  };
}

function requestOptions(json: PublicKeyCredentialRequestOptionsJSON): PublicKeyCredentialRequestOptions {
  const { challenge, allowCredentials, userVerification, rpId } = json;
  return {
    challenge: bytes(challenge),
    allowCredentials: descriptors(allowCredentials),
    ...(json.timeout === undefined ? {} : { timeout: json.timeout }),
    ...(rpId ? { rpId } : {}),
    ...(userVerification ? { userVerification: userVerification as UserVerificationRequirement } : {}),
  };
}

function descriptors(list: PublicKeyCredentialDescriptorJSON[] = []): PublicKeyCredentialDescriptor[] {
  return list.map((one) => ({ ...one, id: bytes(one.id) }) as PublicKeyCredentialDescriptor);
}

function credentialJSON(credential: PublicKeyCredential): unknown {
  const { response } = credential;
  const parts: Record<string, unknown> = { clientDataJSON: text(response.clientDataJSON) };
  if (response instanceof AuthenticatorAttestationResponse) {
    parts.attestationObject = text(response.attestationObject);
    parts.transports = response.getTransports();
  } else if (response instanceof AuthenticatorAssertionResponse) {
    parts.authenticatorData = text(response.authenticatorData);
    parts.signature = text(response.signature);
    if (response.userHandle) parts.userHandle = text(response.userHandle);
  }
  return {
    id: credential.id,
    rawId: text(credential.rawId),
    type: credential.type,
    authenticatorAttachment: credential.authenticatorAttachment,
    clientExtensionResults: credential.getClientExtensionResults(),
    response: parts,
  };
}

/** Bytes from base64url. */
export function bytes(base64url: string): Uint8Array<ArrayBuffer> {
  const binary = atob(base64url.replace(/-/gu, '+').replace(/_/gu, '/'));
  return Uint8Array.from(binary, (char) => char.charCodeAt(0));
}

/** Bytes to base64url, without padding. */
export function text(buffer: ArrayBuffer): string {
  const binary = Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join('');
  return btoa(binary).replace(/\+/gu, '-').replace(/\//gu, '_').replace(/=+$/u, '');
}
