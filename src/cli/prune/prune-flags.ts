import { boolean, string } from '@oclif/core/flags'
import { changeFlags, metricsFlag, outFlag } from '../command/change-flags.ts'
import { flagGroups } from '../help/flag-groups.ts'

/** Flags that choose the policy and the images in use. */
export const scopeFlags = {
  policy: string({
    summary: 'Retention policy, if dray.yaml has several.',
    helpValue: 'NAME',
    helpGroup: flagGroups.target,
  }),
  'in-use': string({
    summary: 'Protect the images in this list (- is stdin).',
    helpValue: 'FILE',
    helpGroup: flagGroups.safety,
    multiple: true,
    multipleNonGreedy: true,
  }),
  cache: boolean({
    summary: 'Use the cache of manifests (default: on).',
    helpGroup: flagGroups.connection,
    allowNo: true,
    default: true,
  }),
}

/** Flags of commands that delete. */
export const pruneFlags = {
  ...changeFlags,
  ...outFlag,
  strict: boolean({
    summary: 'Exit 4 if the registry keeps locked images or tags.',
    helpGroup: flagGroups.output,
  }),
  all: boolean({ summary: 'List every tag that is kept.', helpGroup: flagGroups.output }),
  ...metricsFlag,
}
