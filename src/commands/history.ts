import { string as stringArg } from '@oclif/core/args'
import { string } from '@oclif/core/flags'
import { BaseCommand } from '../cli/command/base-command.ts'
import { flagGroups } from '../cli/help/flag-groups.ts'
import { exitCodes } from '../cli/command/exit-codes.ts'
import { limitFlags, outputFlag } from '../cli/command/global-flags.ts'
import { resolveHistoryRequest } from '../cli/arguments/history-request.ts'
import { renderHistory } from '../render/views/history.ts'

export default class History extends BaseCommand {
  static override summary = 'Show the promotions of an image from its attestations.'
  static override description = `dray reads the attestations that promotions attach to images if \`attest\` is set in dray.yaml. It reads registries only, and no audit log. Each row has the status of an attestation:

- verified: signed by one of the keys
- foreign: signed by another key
- unchecked: signed, but you passed no key
- unsigned: not signed
- bad: the signature is invalid, or the attestation is about another image
- unreadable: not a valid attestation
- missing: a tag has no attestation in an environment that should have one

A promotion writes its attestation before it moves the tags. dray also shows whether the tags are still on the image.`
  static override examples = [
    { description: 'Show the promotions of the highest tags', command: 'dray history api' },
    {
      description: 'Verify the promotions of one version with a public key',
      command: 'dray history api:1.4.2 --key promotions.pub.pem',
    },
    {
      description: 'Show the promotions of one digest',
      command: 'dray history "@prod/api@$DIGEST"',
    },
  ]
  static override args = {
    image: stringArg({
      description: 'NAME, NAME:TAG or NAME@DIGEST of dray.yaml, or a reference.',
      required: true,
      ignoreStdin: true,
    }),
  }
  static override flags = {
    ...outputFlag('jsonl'),
    key: string({
      char: 'k',
      summary: 'Public key (PEM) to verify attestations with.',
      helpValue: 'FILE',
      helpGroup: flagGroups.evidence,
      multiple: true,
      multipleNonGreedy: true,
    }),
    ...limitFlags('tags', 20),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(History)
    const { config } = await this.context.config()
    const { targets, subject } = resolveHistoryRequest(
      args.image,
      flags.all ? undefined : flags.limit,
      config,
    )
    const [{ gatherHistory }, { buildHistory }, { loadTrustedKey }] = await Promise.all([
      import('../usecases/views/history/gather-history.ts'),
      import('../usecases/views/history/history.ts'),
      import('../signing/trust/trusted-key.ts'),
    ])
    const keys = await Promise.all((flags.key ?? []).map((file) => loadTrustedKey(file)))
    await this.context.expectRepositories(
      [],
      targets.map(({ repository }) => repository),
      'read',
    )
    const facts = await gatherHistory(await this.context.stores(), targets, subject, keys, this.call)
    const view = buildHistory(facts)
    this.finish(view, (page) => renderHistory(view, page), exitCodes.done, { rows: () => view.rows })
  }
}
