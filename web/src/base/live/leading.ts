/** What it takes to lead the tabs. It comes when the page has shown: see live.ts. */
export { CacheKeeper } from '../persist/keeper';
export { lead } from './leader';
export { follow } from './stream';
