import { boolean } from '@oclif/core/flags'
import { BaseCommand } from '../../cli/command/base-command.ts'
import { outputFlag } from '../../cli/command/global-flags.ts'
import { exitOfView } from '../../cli/command/view-exit.ts'
import { flagGroups } from '../../cli/help/flag-groups.ts'
import { DrayError } from '../../lib/errors.ts'
import { listPinWarnings, renderPinErrors, renderPins } from '../../render/gitops/pin.ts'
import type { PinResult } from '../../usecases/gitops/pin/pinned-file.ts'

export default class GitOpsPin extends BaseCommand {
  static override summary = 'Write the digests of tags into deployment files.'
  static override description = `dray finds the images in deployment files, resolves each tag at its registry, and writes the digest into the file: \`api:1.4.2\` becomes \`api:1.4.2@sha256:…\`. Nothing else in the file changes. dray reads kustomizations, Kubernetes manifests, Helm values, Compose files, Argo CD and Flux resources, and .tfvars files.

FILE is a file, a folder or a glob in quotes. In a folder, dray reads all .yaml and .yml files below it, and skips names that begin with a dot.

- dray skips templates, images with variables, and images without a tag, with a warning for each.
- An image that has a digest does not change. With \`--update\`, it gets the digest that its tag has now.
- dray writes a file only if all of its images can be resolved. If some files fail, the exit code is 4, or 1 if all do.
- The digest of a multi-platform image is that of its index.

dray changes no registry, and writes no audit record.`
  static override examples = [
    { description: 'Pin the images of one file', command: 'dray gitops pin deploy.yaml' },
    {
      description: 'Show which images would get a digest',
      command: `dray gitops pin 'clusters/**/*.yaml' --dry-run`,
    },
    {
      description: 'Move the digests of a folder to the current ones of their tags',
      command: 'dray gitops pin clusters/prod --update',
    },
    {
      description: 'Fail a CI job with exit code 2 if an image has no digest',
      command: 'dray gitops pin clusters --dry-run --detailed-exitcode',
    },
  ]
  static override strict = false
  static override usage = ['gitops pin FILE...']
  static override flags = {
    ...outputFlag('jsonl'),
    'dry-run': boolean({ summary: 'Show the digests and write nothing.', helpGroup: flagGroups.safety }),
    update: boolean({
      summary: 'Resolve the tags of images with a digest too.',
      helpGroup: flagGroups.target,
    }),
    'detailed-exitcode': boolean({ summary: 'Exit 2 if a file changes.', helpGroup: flagGroups.output }),
  }

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(GitOpsPin)
    if (argv.length === 0)
      throw new DrayError('usage', 'a file is required', {
        hint: 'Name a file, a folder, or a glob in quotes: dray gitops pin FILE',
      })
    const [{ listPinPaths }, { runPin }] = await Promise.all([
      import('../../cli/gitops/pin/pin-paths.ts'),
      import('../../cli/gitops/pin/run-pin.ts'),
    ])
    const paths = await listPinPaths(argv as string[], this.context.cwd, this.call)
    const ports = {
      stores: await this.context.stores(),
      expect: (repositories: Parameters<typeof this.context.expectRepositories>[1]) =>
        this.context.expectRepositories([], repositories, 'read'),
    }
    const request = { paths, update: flags.update, dryRun: flags['dry-run'] }
    const result = await runPin(request, ports, this.call)
    for (const warning of listPinWarnings(result)) this.warn(warning)
    this.finish(
      result,
      (page) => renderPins(result, page),
      exitOfView(findingsIn(result), flags['detailed-exitcode']),
      { rows: () => result.files.flatMap(({ file, images }) => images.map((image) => ({ file, ...image }))) },
    )
    for (const line of renderPinErrors(result, this.errorPage.style)) this.printAside(line)
  }
}

/** Skipped files do not count. */
function findingsIn({ files }: PinResult): Parameters<typeof exitOfView>[0] {
  return {
    total: files.filter(({ status }) => status !== 'skipped').length,
    unreachable: files.filter(({ status }) => status === 'failed').length,
    differs: files.some(({ status }) => status === 'changed'),
  }
}
