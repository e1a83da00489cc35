import type { Remote } from '../sync';

const no = () => Promise.reject(new Error('no'));

/** A server that answers nothing: for tests that do not follow one. */
export const silent: Remote = { snapshot: no, more: no, delta: no };
