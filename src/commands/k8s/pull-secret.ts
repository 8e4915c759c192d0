import { resolve } from 'node:path'
import { boolean, string } from '@oclif/core/flags'
import { BaseCommand } from '../../cli/command/base-command.ts'
import { flagGroups } from '../../cli/help/flag-groups.ts'
import { DrayError } from '../../lib/errors.ts'
import { escapeText } from '../../render/text/escape.ts'

export default class K8sPullSecret extends BaseCommand {
  static override summary = 'Print a Secret for pulling images.'
  static override description = `dray prints a Secret of the type \`kubernetes.io/dockerconfigjson\` as YAML. It has the credentials that dray itself uses for the named registries, also those of credential helpers, and no others. dray sends no request to a registry or a cluster.

REGISTRY is HOST, HOST:PORT, HOST/NAMESPACE, or an environment such as \`@prod\`. \`dray auth explain REGISTRY\` shows the source of the credentials.

The output is not encrypted. On a terminal, dray prints it only with \`--show\`. With \`--out\`, only this user can read the file.

dray warns about tokens that expire, such as those of Amazon ECR (12 hours) and Google (1 hour). Kubernetes does not renew a Secret.`
  static override examples = [
    {
      description: 'Create or replace the Secret in a cluster',
      command: `dray k8s pull-secret registry.example.com --name regcred |
  kubectl apply --namespace shop -f -`,
    },
    {
      description: 'Write a file with the credentials of two registries',
      command: 'dray k8s pull-secret ghcr.io docker.io --out pull-secret.yaml',
    },
    {
      description: 'Use the credentials of the registries of an environment',
      command: 'dray k8s pull-secret @prod --namespace shop --out pull-secret.yaml',
    },
  ]
  static override strict = false
  static override usage = ['k8s pull-secret REGISTRY...']
  static override flags = {
    name: string({
      summary: 'Name of the Secret.',
      helpValue: 'NAME',
      default: 'dray-pull',
      helpGroup: flagGroups.output,
    }),
    namespace: string({
      summary: 'Namespace of the Secret.',
      helpValue: 'NAMESPACE',
      helpGroup: flagGroups.output,
    }),
    show: boolean({ summary: 'Print the credentials on a terminal.', helpGroup: flagGroups.safety }),
    out: string({
      summary: 'Write this file instead of standard output.',
      helpValue: 'FILE',
      helpGroup: flagGroups.output,
    }),
  }

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(K8sPullSecret)
    const { name, namespace, out } = flags
    if (argv.length === 0)
      throw new DrayError('usage', 'a registry is required', {
        hint: 'Name a registry: dray k8s pull-secret HOST',
      })
    if (out === undefined && process.stdout.isTTY && !flags.show) throw visibleToOthers()
    const [{ createPullSecret }, { resolveSecretRegistries }, { manifestText }, names] = await Promise.all([
      import('../../cli/kubernetes/create-pull-secret.ts'),
      import('../../cli/kubernetes/pull-secret-registries.ts'),
      import('../../cli/kubernetes/manifest-text.ts'),
      import('../../usecases/kubernetes/names.ts'),
    ])
    names.checkObjectName(name, '--name')
    if (namespace !== undefined) names.checkLabel(namespace, '--namespace')
    const { config } = await this.context.config()
    const { manifest, registries, warnings } = await createPullSecret(
      resolveSecretRegistries(argv as string[], config),
      config,
      await this.context.credentialOptions(),
      { name, ...(namespace !== undefined && { namespace }) },
      this.call,
    )
    for (const warning of warnings) this.warn(warning)
    if (out === undefined)
      return this.finish({ registries, manifest }, () => manifestText([manifest]).trimEnd())
    const { writeFileAtomic } = await import('../../lib/files/atomic.ts')
    await writeFileAtomic(resolve(this.context.cwd, out), manifestText([manifest]), { mode: 0o600 })
    this.finish({ registries, file: out }, () => `Wrote ${escapeText(out)}.`)
  }
}

function visibleToOthers(): DrayError {
  return new DrayError('refused', 'dray does not print credentials on a terminal', {
    why: 'others can see a terminal, and it can keep its output',
    hint: 'Pipe the output to "kubectl apply -f -", pass --out FILE, or pass --show to print it.',
  })
}
