/** The way to the server: a typed client, the session behind it and the form of refusals. */
export { bearerFetch, createApi, ok, type Api } from './client';
export { isNetwork, Problem, type FieldProblem } from './problem';
export { Session, type Auth, type Me } from './session';
export { uuid } from './uuid';
export { Vault } from './vault';
