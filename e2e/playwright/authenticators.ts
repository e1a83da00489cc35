// The authenticators that Chromium simulates.
import type { Page } from './fixture';

/** A device that recognises its owner and keeps passkeys on several devices. */
export const PHONE = {
  protocol: 'ctap2' as const,
  transport: 'internal' as const,
  hasResidentKey: true,
  hasUserVerification: true,
  isUserVerified: true,
  automaticPresenceSimulation: true,
  defaultBackupEligibility: true,
  defaultBackupState: true,
};
/** A key from the time before PINs: it knows no more than that it is touched. */
export const OLD_KEY = { protocol: 'u2f' as const, transport: 'usb' as const, automaticPresenceSimulation: true };

/** The authenticators that a page's browser finds. */
export async function authenticators(page: Page) {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('WebAuthn.enable', { enableUI: false });
  return {
    add: async (options: typeof PHONE | typeof OLD_KEY) =>
      (await devtools.send('WebAuthn.addVirtualAuthenticator', { options })).authenticatorId,
    remove: (authenticatorId: string) => devtools.send('WebAuthn.removeVirtualAuthenticator', { authenticatorId }),
    recognises: (authenticatorId: string, isUserVerified: boolean) =>
      devtools.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified }),
    passkeys: async (authenticatorId: string) =>
      (await devtools.send('WebAuthn.getCredentials', { authenticatorId })).credentials,
    /** Puts back a passkey as it once was, as who copied it has it. */
    restore: async (authenticatorId: string, credential: { credentialId: string }, signCount: number) => {
      const { credentialId } = credential;
      await devtools.send('WebAuthn.removeCredential', { authenticatorId, credentialId });
      await devtools.send('WebAuthn.addCredential', {
        authenticatorId,
        credential: { ...credential, signCount } as never,
      });
    },
  };
}
