/** What happens elsewhere, as it happens: one stream per browser, shared by its tabs. */
export { lead } from './leader';
export { Live } from './live';
export { SseParser, type SseEvent } from './sse';
export { follow, type Happening } from './stream';
