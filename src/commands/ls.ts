import { string as stringArg } from '@oclif/core/args'
import { boolean, integer } from '@oclif/core/flags'
import { BaseCommand } from '../cli/base-command.ts'
import { locate } from '../cli/locate.ts'
import { renderLeftOut, renderRepositories } from '../render/list.ts'

export default class Ls extends BaseCommand {
  static override summary = 'List the tags of a repository.'
  static override description =
    'The highest tags come first, with the digests that they point at. Tags under which evidence stands are left out.'
  static override examples = [
    { description: 'Of an image in an environment:', command: '<%= config.bin %> ls @staging/api' },
    {
      description: 'Of any repository, all of them:',
      command: '<%= config.bin %> ls registry.example.com/team/api --all',
    },
    { description: 'Of an image layout on disk:', command: '<%= config.bin %> ls oci:./dir' },
    {
      description: 'Tags alone, for a script:',
      command: `<%= config.bin %> ls @staging/api --json | jq -r '.result[].tags[].tag'`,
    },
  ]
  static override args = {
    repository: stringArg({
      description: 'A repository: a reference, @ENV/IMAGE, or oci:DIR.',
      required: true,
      ignoreStdin: true,
    }),
  }
  static override flags = {
    all: boolean({ char: 'a', summary: 'Show all tags, not only the first of them.', exclusive: ['limit'] }),
    limit: integer({ char: 'n', summary: 'Show so many tags.', default: 50, min: 1, helpValue: 'COUNT' }),
    'all-tags': boolean({ summary: 'Show the tags too under which evidence stands.' }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Ls)
    const { config } = await this.context.config()
    const { repositories } = locate(args.repository, config)
    const { listRepository } = await import('../look/list.ts')
    const stores = await this.context.stores()
    await this.context.expectRepositories([], repositories, 'read')
    const options = { limit: flags.all ? undefined : flags.limit, evidenceTags: flags['all-tags'] }
    const views = await Promise.all(
      repositories.map((name) => listRepository(stores.source(name), options, this.call)),
    )
    this.finish(views, (page) => renderRepositories(views, page))
    for (const line of renderLeftOut(views, this.errorPage.style)) this.say(line)
  }
}
