import { resolve } from 'node:path'
import { boolean, string } from '@oclif/core/flags'
import { BaseCommand } from '../../cli/command/base-command.ts'
import { flagGroups } from '../../cli/help/flag-groups.ts'
import { sameCommand } from '../../cli/command/command-line.ts'
import {
  completeInit,
  completeRetention,
  findConfig,
  formatInitFlags,
  type InitFlags,
  alreadyExists,
  writeConfig,
} from '../../cli/setup/config-init.ts'
import { startingConfig } from '../../config/starting/starting-config.ts'
import { formatRetentionSection } from '../../config/starting/starting-policies.ts'
import { escapeText } from '../../render/text/escape.ts'

const defaultOut = 'dray.yaml'

export default class ConfigInit extends BaseCommand {
  static override summary = 'Write a dray.yaml.'
  static override description = `On a terminal, dray asks for everything that the flags do not set. The file has comments that explain each section.

Retention policies:

- pull-requests: builds of pull requests and branches
- nightlies: nightly builds
- release-candidates: release candidates
- newest: all builds except the newest of each image
- environment: everything except the newest releases and images in use
- none: no policy`
  static override examples = [
    { description: 'Answer questions', command: 'dray config init' },
    {
      description: 'Write the file without questions',
      command: `dray config init --registry registry.example.com \\
    --env 'dev=dev/{image}' --env 'prod=prod/{image}' \\
    --retention pull-requests`,
    },
    {
      description: 'Print a retention section for an existing dray.yaml',
      command: 'dray config init --print --retention nightlies --clean dev',
    },
  ]
  static override flags = {
    registry: string({
      summary: 'Host of the registry.',
      helpValue: 'HOST',
      helpGroup: flagGroups.target,
    }),
    env: string({
      summary: 'Environment and the path of its images.',
      helpValue: 'NAME=PATH',
      helpGroup: flagGroups.target,
      multiple: true,
      multipleNonGreedy: true,
    }),
    retention: string({
      summary: 'Retention policy to write, or none.',
      helpValue: 'POLICY',
      helpGroup: flagGroups.target,
    }),
    clean: string({
      summary: 'Environment of the policy (default: the first).',
      helpValue: 'ENV',
      helpGroup: flagGroups.target,
      dependsOn: ['retention'],
    }),
    out: string({
      summary: 'File to write.',
      helpValue: 'FILE',
      default: defaultOut,
      helpGroup: flagGroups.target,
    }),
    force: boolean({
      summary: 'Replace an existing file.',
      helpGroup: flagGroups.safety,
    }),
    print: boolean({
      summary: 'Print a retention section and write nothing.',
      helpGroup: flagGroups.output,
      exclusive: ['force', 'registry'],
    }),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(ConfigInit)
    const { registry, env = [], retention, clean, out, force } = flags
    const choices: InitFlags = { registry, env, retention, clean }
    if (flags.print || (await this.#printsInstead(out, force))) return await this.#print(choices)
    const { questions } = this
    const config = await completeInit(choices, questions)
    await writeConfig(startingConfig(config), out, { cwd: this.context.cwd, force })
    const result = {
      file: resolve(this.context.cwd, out),
      environments: config.environments.map(({ name }) => name),
      retention: config.retention?.policy.name ?? null,
    }
    const next = config.retention === undefined ? 'status' : `prune @${config.retention.environment}`
    this.finish(
      result,
      ({ style }) =>
        `${style.bold(escapeText(out))} is written. Read it, then: dray config validate, dray ${next}`,
    )
    if (questions === undefined) return
    const given = ['init', ...(out === defaultOut ? [] : ['--out', out]), ...(force ? ['--force'] : [])]
    const same = sameCommand('config', given, { was: [], is: [], flags: formatInitFlags(config) })
    this.say(`Without questions: ${same}`)
  }

  /** If a configuration exists, asks whether to print a section to paste. @throws `refused`. */
  async #printsInstead(out: string, force: boolean): Promise<boolean> {
    const existing = force ? undefined : await findConfig(resolve(this.context.cwd, out))
    if (existing === undefined) return false
    if (this.questions === undefined) throw alreadyExists(existing)
    if (await this.ask(`${existing} is there already. Print a retention section to paste into it?`))
      return true
    throw alreadyExists(existing)
  }

  async #print(flags: InitFlags): Promise<void> {
    const { config } = await this.context.config()
    const { policy, environment } = await completeRetention(flags, config, this.questions)
    const text = formatRetentionSection(policy, environment)
    this.finish({ policy: policy.name, environment, retention: text }, () => text.trimEnd())
  }
}
