/** The engine, readable in components. */
export { Store, type Table } from './store';
