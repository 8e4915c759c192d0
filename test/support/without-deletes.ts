import type { Abilities } from '../../src/embedded/profiles.ts'

/** Deletes switched off, the default of most registries: every DELETE of content answers 405. */
export const withoutDeletes = {
  deleteTag: 'UNSUPPORTED',
  deleteManifest: false,
  deleteBlob: false,
} as const satisfies Partial<Abilities>
