import { string } from '@oclif/core/flags'
import { BaseCommand } from '../../cli/command/base-command.ts'
import { flagGroups } from '../../cli/help/flag-groups.ts'
import { type GivenFlag, listRunSettings } from '../../cli/setup/run-settings.ts'
import { listSettings, type Setting } from '../../config/settings/settings.ts'
import { renderSettings } from '../../render/views/settings.ts'

export default class ConfigShow extends BaseCommand {
  static override summary = 'Show the effective values and their origin.'
  static override description =
    'The origin is the file with line and column, a default, an environment variable or a flag. A flag takes precedence over a variable, and a variable over the file. The command sends no request to a registry.'
  static override examples = [
    { description: 'Show all values', command: 'dray config show' },
    {
      description: 'Show the values of an environment',
      command: `dray config show --json | jq \\
    '.result.settings[] | select(.key | startswith("environments.prod."))'`,
    },
  ]
  static override flags = {
    'audit-file': string({
      summary: 'Audit log.',
      helpValue: 'FILE',
      helpGroup: flagGroups.audit,
    }),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(ConfigShow)
    const loaded = await this.context.config()
    const { env } = this.context
    const given = (name: string, variable: string, value: string | undefined): GivenFlag => ({
      name,
      variable,
      // oclif reads the variable of some flags itself.
      value: value === env[variable] ? undefined : value,
      fromVariable: env[variable],
    })
    const fileFlag = given('audit-file', 'DRAY_AUDIT_FILE', flags['audit-file'])
    const run = listRunSettings(
      {
        config: given('config', 'DRAY_CONFIG', flags.config),
        maxWait: given('max-wait', 'DRAY_MAX_WAIT', flags['max-wait']),
        auditFile: fileFlag,
      },
      env,
      {
        file: loaded.file,
        auditLog: await this.context.auditPath(fileFlag.value ?? fileFlag.fromVariable),
        isAuditLogInFile: loaded.config.audit.file !== undefined,
      },
    )
    const overridden = new Set(run.map(({ key }) => key))
    const ofFile = listSettings(loaded)
    const settings: readonly Setting[] = [...ofFile.filter(({ key }) => !overridden.has(key)), ...run]
    this.finish({ file: loaded.file ?? null, settings }, (page) =>
      renderSettings(settings, loaded.name, page),
    )
  }
}
