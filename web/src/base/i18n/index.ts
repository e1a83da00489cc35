/** The texts: messages/<locale>/<slice>.json, compiled to functions of which only the used ones are shipped. */
export { m } from './generated/messages.js';
