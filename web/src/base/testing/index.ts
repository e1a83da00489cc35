/** What tests share; nothing of the app imports it. */
export { emptyBrowser } from './db';
export { gate, json, offline, problem, serve, type Asked, type Handler } from './fetch';
export { silent } from './remote';
