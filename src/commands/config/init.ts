import { resolve } from 'node:path'
import { boolean, string } from '@oclif/core/flags'
import { BaseCommand } from '../../cli/command/base-command.ts'
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
  static override summary = 'Write a dray.yaml to begin with: environments and a retention policy.'
  static override description = `On a terminal it asks for what the flags leave out. The file has comments that say what each part does; nothing is asked of a registry.

Policies: pull-requests, nightlies, release-candidates, newest (the newest builds of each image), environment (all but the newest releases and what runs).`
  static override examples = [
    { description: 'By questions:', command: '<%= config.bin %> config init' },
    {
      description: 'Without questions:',
      command: `<%= config.bin %> config init --registry registry.example.com --env 'dev=dev/{image}' --env 'prod=prod/{image}' --retention pull-requests`,
    },
    {
      description: 'A retention section for a dray.yaml that is there:',
      command: '<%= config.bin %> config init --print --retention nightlies --clean dev',
    },
  ]
  static override flags = {
    registry: string({ summary: 'The host of the registry.', helpValue: 'HOST' }),
    env: string({
      summary: 'An environment and the path of its images; may be given several times.',
      helpValue: 'NAME=PATH',
      multiple: true,
      multipleNonGreedy: true,
    }),
    retention: string({ summary: 'A retention policy to begin with, or none.', helpValue: 'POLICY' }),
    clean: string({
      summary: 'The environment that the policy is for; the first where it is not given.',
      helpValue: 'ENV',
      dependsOn: ['retention'],
    }),
    out: string({ summary: 'The file.', helpValue: 'FILE', default: defaultOut }),
    force: boolean({ summary: 'Replace the file if it is there.' }),
    print: boolean({
      summary: 'Print a retention section and write nothing.',
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
