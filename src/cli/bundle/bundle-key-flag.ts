import { string } from '@oclif/core/flags'
import { flagGroups } from '../help/flag-groups.ts'

/** The keys that a bundle is verified with. */
export const bundleKeyFlag = {
  key: string({
    char: 'k',
    summary: 'Public key (PEM) that must have signed the bundle.',
    helpValue: 'FILE',
    helpGroup: flagGroups.safety,
    multiple: true,
    multipleNonGreedy: true,
  }),
}
