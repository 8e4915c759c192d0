import { string } from '@oclif/core/flags'
import { ChangeCommand } from '../../cli/changes/change-command.ts'
import { changeFlags, gitFlags, metricsFlag, outFlag } from '../../cli/command/change-flags.ts'
import { flagGroups } from '../../cli/help/flag-groups.ts'

export default class GitOpsUpdate extends ChangeCommand {
  static override summary = 'Write deployed digests into deployment files.'
  static override description = `dray edits the deployment files of an environment (gitops in dray.yaml) so that they name what its registries have. It changes the tag and the digest of the images and no other byte of a file. It finds images by the names of their repositories in Kubernetes manifests, kustomizations, Helm values, Compose files, and objects of Argo CD and Flux, or at the positions that dray.yaml names.

IMAGE is an image of dray.yaml. For \`api\`, dray writes the deployed version, as \`dray status\` shows it, and for \`api:1.4.2\` that tag. Without IMAGE, dray writes all images that the files name. All targets of the environment must have the same digest.

If files name several version lines of an image, only the line of the new version moves. dray refuses a file that it cannot edit safely, such as a file with templates, and then edits nothing.

The edits stay in the working tree, unless you pass \`--commit\`, \`--push\` or \`--pr\`. A file that has the image already is not written.`
  static override examples = [
    {
      description: 'Show what would change in the files of prod',
      command: 'dray gitops update --env prod --dry-run',
    },
    {
      description: 'Edit the files for one image, after a confirmation',
      command: 'dray gitops update --env prod api',
    },
    {
      description: 'Edit all files in a CI job and open a pull request',
      command: 'dray gitops update --env prod --yes --pr',
    },
    {
      description: 'Fail a CI job with exit code 2 if the files are behind',
      command: 'dray gitops update --env prod --dry-run --detailed-exitcode',
    },
  ]
  static override strict = false
  static override usage = ['gitops update --env ENV [IMAGE...]']
  static override flags = {
    env: string({
      char: 'e',
      summary: 'Environment whose files are edited.',
      helpValue: 'ENV',
      helpGroup: flagGroups.target,
      required: true,
    }),
    ...gitFlags,
    ...changeFlags,
    ...metricsFlag,
    ...outFlag,
  }

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(GitOpsUpdate)
    const { planUpdate } = await import('../../cli/gitops/plan-update.ts')
    const given = { env: flags.env, references: argv as string[] }
    const change = await planUpdate(given, flags, this.context, this.reading)
    await this.carryOut('gitops', change, flags)
  }
}
