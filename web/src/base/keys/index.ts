export { Keys, type Shortcut } from './keys';
