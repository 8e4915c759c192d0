import { string as stringArg } from '@oclif/core/args'
import { boolean, integer, string } from '@oclif/core/flags'
import { BaseCommand } from '../cli/command/base-command.ts'
import { resolveHistoryRequest } from '../cli/arguments/history-request.ts'
import { renderHistory } from '../render/views/history.ts'

export default class History extends BaseCommand {
  static override summary = 'Show the way of an image through the environments, from its attestations.'
  static override description = `Read from the registries alone: from the statements that promotions with "attest" put beside the images. Each is shown for what it is worth: verified or foreign by the keys given, unsigned, bad, or missing where a tag stands without one. An attestation is put before the tags move: what the tags say now stands beside it.`
  static override examples = [
    { description: 'All versions of an image:', command: '<%= config.bin %> history api' },
    {
      description: 'One version, with the key that promotions are signed with:',
      command: '<%= config.bin %> history api:1.4.2 --key promotions.pub.pem',
    },
    {
      description: 'What happened to one digest:',
      command: '<%= config.bin %> history @prod/api@sha256:…',
    },
  ]
  static override args = {
    image: stringArg({
      description: 'An image: NAME, NAME:TAG or NAME@DIGEST of the environments, or a reference.',
      required: true,
      ignoreStdin: true,
    }),
  }
  static override flags = {
    key: string({
      char: 'k',
      summary: 'A public key (PEM) that attestations are verified with; may be given several times.',
      helpValue: 'FILE',
      multiple: true,
      multipleNonGreedy: true,
    }),
    all: boolean({ char: 'a', summary: 'Look at all tags, not only the highest.', exclusive: ['limit'] }),
    limit: integer({ char: 'n', summary: 'Look at so many tags.', default: 20, min: 1, helpValue: 'COUNT' }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(History)
    const { config } = await this.context.config()
    const { targets, subject } = resolveHistoryRequest(
      args.image,
      flags.all ? undefined : flags.limit,
      config,
    )
    const [{ gatherHistory }, { buildHistory }, { loadVerifyKey }] = await Promise.all([
      import('../usecases/views/history/gather-history.ts'),
      import('../usecases/views/history/history.ts'),
      import('../signing/signing-keys.ts'),
    ])
    const keys = await Promise.all((flags.key ?? []).map((file) => loadVerifyKey(file)))
    await this.context.expectRepositories(
      [],
      targets.map(({ repository }) => repository),
      'read',
    )
    const facts = await gatherHistory(await this.context.stores(), targets, subject, keys, this.call)
    const view = buildHistory(facts)
    this.finish(view, (page) => renderHistory(view, page))
  }
}
