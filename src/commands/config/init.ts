import { basename, resolve } from 'node:path'
import { boolean, string } from '@oclif/core/flags'
import { BaseCommand } from '../../cli/command/base-command.ts'
import { flagGroups } from '../../cli/help/flag-groups.ts'
import { sameCommand } from '../../cli/command/command-line.ts'
import { chooseGateSections } from '../../cli/setup/choose-gates.ts'
import {
  checkImageName,
  completeInit,
  completeRetention,
  formatInitFlags,
} from '../../cli/setup/config-init.ts'
import type { InitFlags } from '../../cli/setup/init-flags.ts'
import { InitRegistries } from '../../cli/setup/init-registries.ts'
import { alreadyExists, checkOutput, findConfig } from '../../cli/setup/write-config.ts'
import { type InitOutput, writeStarting } from '../../cli/setup/write-starting.ts'
import type { Questions } from '../../cli/terminal/ask.ts'
import { formatRetentionSection } from '../../config/starting/starting-policies.ts'
import { escapeText } from '../../render/text/escape.ts'

const defaultOut = 'dray.yaml'

export default class ConfigInit extends BaseCommand {
  static override summary = 'Write a dray.yaml.'
  static override description = `On a terminal, dray prompts for the values that the flags do not set. Every prompt has a default. The images come from the catalog of the registry, if it has one. If their tags are calendar versions, variants or versions with build metadata, dray writes the settings to read them (\`scheme\`, \`variants\`, \`buildMetadata\`).

\`dray status\`, \`dray promote\` and \`dray prune\` work with the new file at once. \`dray prune\` deletes nothing without \`--apply\`.

Retention policies:

- newest: all builds except versions and the newest of each image (default)
- pull-requests: builds of pull requests and branches, and their caches
- nightlies: nightly builds
- release-candidates: release candidates, except the newest of each version
- environment: everything except the newest versions and images in use
- none: no policy

Gates (an image must pass all of them before dray writes it to the last environment):

- signature: signed by CI
- scan: a recent scan report without critical vulnerabilities
- sbom: an SBOM for each platform
- soak: promoted to the environment before for 24 hours
- approvals: approved by a person
- none: no gates (default)

The new file names the keys of signers, which you put into the files. \`dray config validate\` checks them.`
  static override examples = [
    { description: 'Answer questions', command: 'dray config init' },
    {
      description: 'Write the file without prompts',
      command: `dray config init --registry registry.example.com --image api \\
    --env dev --env staging --env prod`,
    },
    {
      description: 'Use another registry for production',
      command: `dray config init --registry registry.example.com --env dev \\
    --env 'prod=us.registry.example.com/prod/{image}'`,
    },
    {
      description: 'Require signed images and scan reports in production',
      command: `dray config init --registry registry.example.com --image api \\
    --env staging --env prod --gates signature,scan`,
    },
    {
      description: 'Print gates for the last environment of an existing dray.yaml',
      command: 'dray config init --print --gates signature,scan',
    },
    {
      description: 'Print a retention section for an existing dray.yaml',
      command: 'dray config init --print --retention nightlies --clean dev',
    },
  ]
  static override flags = {
    registry: string({
      summary: 'Default registry of the environments.',
      helpValue: 'HOST',
      helpGroup: flagGroups.target,
    }),
    env: string({
      summary: 'Environment: NAME, NAME=PATH or NAME=HOST/PATH.',
      helpValue: 'NAME[=PATH]',
      helpGroup: flagGroups.target,
      multiple: true,
      multipleNonGreedy: true,
    }),
    image: string({
      summary: 'Name of an image.',
      helpValue: 'NAME',
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
    }),
    gates: string({
      summary: 'Gates of the last environment, or none.',
      helpValue: 'GATE[,GATE]',
      helpGroup: flagGroups.target,
    }),
    out: string({
      summary: 'File to write.',
      helpValue: 'FILE',
      default: defaultOut,
      helpGroup: flagGroups.target,
    }),
    force: boolean({ summary: 'Replace an existing file.', helpGroup: flagGroups.safety }),
    print: boolean({
      summary: 'Print a section (retention, or gates) and write nothing.',
      helpGroup: flagGroups.output,
      exclusive: ['force', 'registry', 'image'],
    }),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(ConfigInit)
    const { registry, env = [], image = [], retention, clean, gates, out, force } = flags
    const choices: InitFlags = { registry, env, image, retention, clean, gates }
    if (flags.print || (await this.#printsInstead(out, force))) return await this.#print(choices)
    const { questions } = this
    await checkOutput(out, { cwd: this.context.cwd, force })
    const { config, result } = await this.#write(
      choices,
      { out, force, isDefault: out === defaultOut },
      questions,
    )
    if (questions !== undefined) {
      const given = ['init', ...(out === defaultOut ? [] : ['--out', out]), ...(force ? ['--force'] : [])]
      const same = sameCommand('config', given, { was: [], is: [], flags: formatInitFlags(config) })
      this.say(`Without prompts: ${same}`)
    }
    this.finish(result, ({ style }) =>
      [
        `Wrote ${style.bold(escapeText(out))}. Next:`,
        ...result.next.map((command) => `  ${escapeText(command)}`),
      ].join('\n'),
    )
  }

  async #write(
    choices: InitFlags,
    output: InitOutput,
    questions: Questions | undefined,
  ): ReturnType<typeof writeStarting> {
    const { cwd } = this.context
    const registries = new InitRegistries(this.context)
    const usualRegistry = async (): Promise<string> => await registries.usual()
    const usualImage = nameOfFolder(cwd)
    try {
      return await writeStarting(
        output,
        (findImages) => completeInit(choices, { questions, findImages, usualRegistry, usualImage }),
        {
          cwd,
          registries,
          call: this.call,
          isInteractive: questions !== undefined,
          warn: (text) => this.warn(text),
        },
      )
    } finally {
      await registries.close()
    }
  }

  /** If a configuration exists, asks whether to print a section to paste. @throws `refused`. */
  async #printsInstead(out: string, force: boolean): Promise<boolean> {
    const existing = force ? undefined : await findConfig(resolve(this.context.cwd, out))
    if (existing === undefined) return false
    if (this.questions === undefined) throw alreadyExists(existing)
    this.say(`${escapeText(existing)} exists.`)
    if (await this.ask('Print a retention section instead?')) return true
    throw alreadyExists(existing)
  }

  async #print(flags: InitFlags): Promise<void> {
    const { config } = await this.context.config()
    if (flags.gates !== undefined) {
      const { environment, gates, text } = await chooseGateSections(flags, config)
      this.finish({ environment, gates, sections: text }, () => text.trimEnd())
      return
    }
    const { policy, environment } = await completeRetention(flags, config, this.questions)
    const text = formatRetentionSection(policy, environment)
    this.finish({ policy: policy.name, environment, retention: text }, () => text.trimEnd())
  }
}

/** The name of the working directory, if an image can have it. */
function nameOfFolder(cwd: string): string {
  const name = basename(cwd).toLowerCase()
  return checkImageName(name) === undefined ? name : 'app'
}
