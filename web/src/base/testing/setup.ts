/** Runs before every test file. */
import 'fake-indexeddb/auto';
import { cleanup, configure } from '@testing-library/svelte';
import { afterEach, vi } from 'vitest';

/** How long a test waits for what comes: both libraries give up after a second, which a busy machine may take. */
const PATIENCE_MS = 30_000;

configure({ asyncUtilTimeout: PATIENCE_MS });
const { waitFor } = vi;
vi.waitFor = (callback, options) =>
  waitFor(callback, { timeout: PATIENCE_MS, ...(typeof options === 'number' ? { timeout: options } : options) });

afterEach(() => cleanup());
