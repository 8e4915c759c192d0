import { string as stringArg } from '@oclif/core/args'
import { BaseCommand } from '../cli/command/base-command.ts'
import { findShell, missingShell, readScript, shells } from '../cli/completion/shells.ts'

export default class Completion extends BaseCommand {
  static override summary = 'Print a completion script for a shell.'
  static override description =
    'The script completes commands, flags, environments, images, tags and every fixed list of values. It calls dray each time you press Tab, and does not change with an update of dray.'
  static override examples = [
    { description: 'bash, in ~/.bashrc:', command: 'eval "$(<%= config.bin %> completion bash)"' },
    {
      description: 'zsh, in ~/.zshrc after compinit:',
      command: 'eval "$(<%= config.bin %> completion zsh)"',
    },
    {
      description: 'fish, in ~/.config/fish/config.fish:',
      command: '<%= config.bin %> completion fish | source',
    },
    {
      description: 'PowerShell, in $PROFILE:',
      command: '<%= config.bin %> completion powershell | Out-String | Invoke-Expression',
    },
  ]
  static override args = {
    shell: stringArg({ description: 'The shell.', options: [...shells], ignoreStdin: true }),
  }

  async run(): Promise<void> {
    const { args } = await this.parse(Completion)
    const shell = findShell(args.shell)
    if (shell === undefined) throw missingShell(process.env['SHELL'])
    const script = await readScript(shell)
    this.finish({ shell, script }, () => script.trimEnd())
  }
}
