/**
 * The beginning: asks who is here before anything else. The rest of the app is on its way meanwhile: see
 * build/start.ts.
 */
import { Session, Vault } from './base/api';

const session = new Session(new Vault());
const known = session.begin();

// Asked for before there is text: a search for what could stand in for them would hold the first text up.
for (const name of ['Inter Variable', 'JetBrains Mono Variable'])
  void document.fonts.load(`1em "${name}"`).catch(() => undefined);

void import('./start').then(({ start }) => start(session, known));
