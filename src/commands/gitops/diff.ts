import { boolean, string } from '@oclif/core/flags'
import { BaseCommand } from '../../cli/command/base-command.ts'
import { outputFlag } from '../../cli/command/global-flags.ts'
import { exitOfView, type ViewFindings } from '../../cli/command/view-exit.ts'
import { flagGroups } from '../../cli/help/flag-groups.ts'
import { renderGitOpsDiff, renderGitOpsSummary } from '../../render/gitops/diff.ts'
import { escapeText } from '../../render/text/escape.ts'
import { renderUnreachable } from '../../render/views/unreachable.ts'
import type { GitOpsDiff as Diff } from '../../usecases/gitops/diff/gitops-diff.ts'

export default class GitOpsDiff extends BaseCommand {
  static override summary = 'Compare files and clusters with an environment.'
  static override description = `dray compares the images that are deployed in an environment, as \`dray status\` shows them, with its deployment files (\`gitops\` in dray.yaml). With \`--context\`, it also compares them with the images that the pods of a cluster run. It changes nothing. IMAGE is an image of dray.yaml. Without IMAGE, dray compares all.

States:

- in sync: files and pods have the image of the environment
- declared-behind: a file names another image
- running-behind: a pod runs another image
- unmanaged: a file or pod names a repository of the environment whose image is not in dray.yaml or not deployed
- unknown: dray cannot compare, for example because a pod has not started
- unused: no file and no pod names the image

A pod runs the image of the environment if its node reports the digest of the image or of the manifest of one platform. dray runs \`kubectl get pods\` in all namespaces, with the permissions of the context.

With \`--detailed-exitcode\`, the exit code is 0 if everything is in sync, and 2 if not. If registries or clusters cannot be read, the exit code is 4, or 1 if all of them cannot.`
  static override examples = [
    {
      description: 'Compare the deployment files with prod',
      command: 'dray gitops diff --env prod',
    },
    {
      description: 'Compare a cluster too, and fail a CI job on a difference',
      command: 'dray gitops diff --env prod --context prod-eu --detailed-exitcode',
    },
    {
      description: 'Print the images that a cluster runs and prod does not have',
      command: `dray gitops diff --env prod --context prod-eu --json |
  jq -r '.result.images[] | select(.state == "running-behind").image'`,
    },
  ]
  static override strict = false
  static override usage = ['gitops diff --env ENV [IMAGE...]']
  static override flags = {
    ...outputFlag('jsonl'),
    env: string({
      char: 'e',
      summary: 'Environment to compare with.',
      helpValue: 'ENV',
      required: true,
      helpGroup: flagGroups.target,
    }),
    context: string({
      summary: 'Also compare this cluster of kubectl.',
      helpValue: 'CONTEXT',
      multiple: true,
      multipleNonGreedy: true,
      helpGroup: flagGroups.target,
    }),
    'detailed-exitcode': boolean({
      summary: 'Exit 2 unless everything is in sync.',
      helpGroup: flagGroups.output,
    }),
  }

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(GitOpsDiff)
    const { diffGitOps } = await import('../../cli/gitops/diff/diff-gitops.ts')
    const request = {
      environment: flags.env,
      images: argv as string[],
      contexts: flags.context ?? [],
    }
    const diff = await diffGitOps(this.context, request, this.call)
    this.finish(
      diff,
      (page) => `${renderGitOpsDiff(diff, page)}\n\n${renderGitOpsSummary(diff, page)}`,
      exitOfView(findingsIn(diff), flags['detailed-exitcode']),
      { rows: () => diff.images },
    )
    const unreached = diff.images.flatMap(({ desired }) =>
      desired.flatMap(({ repository, error }) => (error === undefined ? [] : [{ repository, error }])),
    )
    for (const line of renderUnreachable(unreached, this.errorPage.style)) this.printAside(line)
    for (const { error } of diff.clusters) {
      if (error === undefined) continue
      const why = error.why === undefined ? '' : `: ${error.why}`
      this.printAside(this.errorPage.style.red(escapeText(`${error.message}${why}`)))
    }
  }
}

function findingsIn({ images, clusters, unread, summary }: Diff): ViewFindings {
  const targets = images.flatMap(({ desired }) => desired)
  const unreachable = [...targets, ...clusters].filter(({ error }) => error !== undefined).length
  const same = summary['in-sync'] + summary.unused
  return {
    total: targets.length + clusters.length,
    unreachable,
    differs: same < images.length || (unread ?? []).length > 0,
  }
}
