import { string as stringArg } from '@oclif/core/args'
import { BaseCommand } from '../cli/command/base-command.ts'

export default class Help extends BaseCommand {
  static override summary = 'Show help for dray or for a command.'
  static override description = '`dray help COMMAND` and `dray COMMAND --help` print the same text.'
  static override examples = [
    { description: 'List all commands', command: 'dray help' },
    { description: 'Show the flags and examples of a command', command: 'dray help promote' },
    { description: 'List the commands of a topic', command: 'dray help audit' },
  ]
  static override args = {
    command: stringArg({ description: 'Command to show help for.', ignoreStdin: true }),
  }
  static override strict = false
  static override usage = ['help [COMMAND]']

  async run(): Promise<void> {
    await this.parse(Help)
    const { showHelp } = await import('../cli/help/show-help.ts')
    await showHelp(this.argv, this.program)
  }
}
