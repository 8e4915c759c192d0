import { boolean, string } from '@oclif/core/flags'
import { changeFlags, outFlag } from '../command/change-flags.ts'

/** Flags that choose the policy and the images in use. */
export const scopeFlags = {
  policy: string({
    summary: 'The retention policy, where dray.yaml has several.',
    helpValue: 'NAME',
  }),
  'in-use': string({
    summary:
      'A list of images that something runs, or what kubectl or helm printed of it; - is standard input. They are protected.',
    helpValue: 'FILE',
    multiple: true,
    multipleNonGreedy: true,
  }),
  cache: boolean({
    summary: 'Keep manifests that were read in the cache folder, and use those that are there.',
    allowNo: true,
    default: true,
  }),
}

const { output: _output, ...deleteFlags } = changeFlags

/** Flags of commands that delete. */
export const pruneFlags = {
  ...deleteFlags,
  ...outFlag,
  all: boolean({ summary: 'Show every tag that stays, one by one.' }),
  metrics: string({
    summary: 'Write metrics for Prometheus to this file (the textfile form of node_exporter).',
    helpValue: 'FILE',
  }),
}
