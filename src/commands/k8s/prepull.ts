import { boolean, string } from '@oclif/core/flags'
import { BaseCommand } from '../../cli/command/base-command.ts'
import { flagGroups } from '../../cli/help/flag-groups.ts'

export default class K8sPrepull extends BaseCommand {
  static override summary = 'Print DaemonSets that pull images on each node.'
  static override description = `dray prints DaemonSets as YAML. Their pods make each node pull the images by digest. No command of an image runs, so images without a shell work. dray sends no request to a cluster.

With \`--env\` and without IMAGE, dray uses all images that are deployed in the environment, as \`dray status\` shows them. IMAGE is an image of dray.yaml, such as api or \`api:1.4.2\`, or a reference.

A pod has an image volume for each image. This requires the feature ImageVolume of Kubernetes and a container runtime that supports it, such as containerd 2.1 or CRI-O 1.31. For other clusters, pass \`--init-containers\`: each image is that of an init container, which runs a copied \`true\` of busybox.

There is a DaemonSet for every 16 images. Pods that use the images still need their own pull secret.`
  static override examples = [
    {
      description: 'Pull all images of an environment on all nodes',
      command: `dray k8s prepull --env prod --pull-secret regcred |
  kubectl apply --namespace shop -f -`,
    },
    {
      description: 'Pull a version before it is promoted',
      command: `dray k8s prepull @staging/api:1.4.2 --node-selector pool=apps \\
  --toleration dedicated=apps:NoSchedule > prepull.yaml`,
    },
    {
      description: 'Print DaemonSets for a cluster without image volumes',
      command: 'dray k8s prepull --env prod --init-containers',
    },
  ]
  static override strict = false
  static override usage = ['k8s prepull --env ENV [IMAGE...]']
  static override flags = {
    env: string({
      char: 'e',
      summary: 'Environment of the images.',
      helpValue: 'ENV',
      helpGroup: flagGroups.target,
    }),
    registry: string({
      summary: 'Registry that the nodes pull from.',
      helpValue: 'HOST',
      helpGroup: flagGroups.target,
    }),
    name: string({
      summary: 'Name of the DaemonSets, before their number.',
      helpValue: 'NAME',
      helpGroup: flagGroups.output,
    }),
    namespace: string({
      summary: 'Namespace of the DaemonSets.',
      helpValue: 'NAMESPACE',
      helpGroup: flagGroups.output,
    }),
    'pull-secret': string({
      summary: 'Secret with the credentials of the registry.',
      helpValue: 'NAME',
      multiple: true,
      multipleNonGreedy: true,
      helpGroup: flagGroups.output,
    }),
    'node-selector': string({
      summary: 'Use only nodes with this label.',
      helpValue: 'KEY=VALUE',
      multiple: true,
      multipleNonGreedy: true,
      helpGroup: flagGroups.output,
    }),
    toleration: string({
      summary: 'Also use nodes with this taint (*: all).',
      helpValue: 'TAINT',
      multiple: true,
      multipleNonGreedy: true,
      helpGroup: flagGroups.output,
    }),
    'init-containers': boolean({
      summary: 'Pull without image volumes.',
      helpGroup: flagGroups.output,
    }),
    'pause-image': string({
      summary: 'Image of the container that waits.',
      helpValue: 'IMAGE',
      default: 'registry.k8s.io/pause:3.10',
      helpGroup: flagGroups.output,
    }),
    'busybox-image': string({
      summary: 'Image with a static busybox (default: busybox:1.37-musl).',
      helpValue: 'IMAGE',
      dependsOn: ['init-containers'],
      helpGroup: flagGroups.output,
    }),
  }

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(K8sPrepull)
    const [{ findImagesToPull }, { prepullDaemonSets }, { prepullOptions }, { manifestText }] =
      await Promise.all([
        import('../../cli/kubernetes/images-to-pull.ts'),
        import('../../usecases/kubernetes/prepull.ts'),
        import('../../cli/kubernetes/pod-flags.ts'),
        import('../../cli/kubernetes/manifest-text.ts'),
      ])
    const options = prepullOptions(flags)
    const request = { images: argv as string[], environment: flags.env, registry: flags.registry }
    const { images, warnings } = await findImagesToPull(this.context, request, this.call)
    for (const warning of warnings) this.warn(warning)
    const manifests = prepullDaemonSets(images, options)
    this.finish({ manifests }, () => manifestText(manifests).trimEnd())
  }
}
