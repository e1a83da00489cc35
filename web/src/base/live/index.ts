/** What happens elsewhere, as it happens: one stream per browser, shared by its tabs. */
export { Live } from './live';
