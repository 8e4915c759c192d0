import { string as stringArg } from '@oclif/core/args'
import { BaseCommand } from '../cli/command/base-command.ts'
import { findShell, missingShell, readScript, shells } from '../cli/completion/shells.ts'

export default class Completion extends BaseCommand {
  static override summary = 'Print a completion script for a shell.'
  static override description =
    'The script completes commands, flags, environments, images, tags and every fixed list of values. It calls dray each time you press Tab, and does not change with an update of dray.'
  static override examples = [
    {
      description: 'Enable completion in bash, in ~/.bashrc',
      command: 'eval "$(dray completion bash)"',
    },
    {
      description: 'Enable completion in zsh, in ~/.zshrc after compinit',
      command: 'eval "$(dray completion zsh)"',
    },
    {
      description: 'Enable completion in fish, in ~/.config/fish/config.fish',
      command: 'dray completion fish | source',
    },
    {
      description: 'Enable completion in PowerShell, in the file of $PROFILE',
      command: 'dray completion powershell | Out-String | Invoke-Expression',
    },
  ]
  static override usage = ['completion SHELL']
  static override args = {
    shell: stringArg({
      description: 'The shell: bash, zsh, fish or powershell.',
      options: [...shells],
      ignoreStdin: true,
    }),
  }

  async run(): Promise<void> {
    const { args } = await this.parse(Completion)
    const shell = findShell(args.shell)
    if (shell === undefined) throw missingShell(process.env['SHELL'])
    const script = await readScript(shell)
    this.finish({ shell, script }, () => script.trimEnd())
  }
}
