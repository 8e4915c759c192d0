import { boolean, string } from '@oclif/core/flags'
import type { OutputFlags } from '@oclif/core/parser'

/** The flags of every command. */
export const globalFlags = {
  json: boolean({
    summary: 'Print one JSON document, for a result and for an error.',
    helpGroup: 'GLOBAL',
  }),
  quiet: boolean({ char: 'q', summary: 'Say nothing but the result and errors.', helpGroup: 'GLOBAL' }),
  verbose: boolean({
    char: 'v',
    summary: 'Tell of each request.',
    helpGroup: 'GLOBAL',
    exclusive: ['quiet'],
  }),
  color: boolean({
    allowNo: true,
    summary: 'Use colours, or not; else NO_COLOR, FORCE_COLOR and the terminal decide.',
    helpGroup: 'GLOBAL',
  }),
  config: string({
    summary: 'The configuration to use; else dray.yaml is looked for from here upwards.',
    helpValue: 'FILE',
    helpGroup: 'GLOBAL',
  }),
  timeout: string({
    summary: 'Give up after this time, such as 90s or 15m.',
    helpValue: 'DURATION',
    helpGroup: 'GLOBAL',
  }),
  'max-wait': string({
    summary: 'Wait at most so long where a registry asks for it (Retry-After); 5m where it is not given.',
    helpValue: 'DURATION',
    helpGroup: 'GLOBAL',
    env: 'DRAY_MAX_WAIT',
  }),
  username: string({
    char: 'u',
    summary: 'Use this user at one registry, with --password-stdin.',
    helpValue: 'USER',
    helpGroup: 'GLOBAL',
  }),
  'password-stdin': boolean({
    summary: 'Read the password or token from stdin.',
    helpGroup: 'GLOBAL',
    dependsOn: ['username'],
  }),
  'auth-registry': string({
    summary: 'The registry that --username is for; else DRAY_REGISTRY says so.',
    helpValue: 'HOST',
    helpGroup: 'GLOBAL',
    dependsOn: ['username'],
  }),
}

export type GlobalFlags = OutputFlags<typeof globalFlags>
