# Images of the production cluster
region    = "eu-central-1"
api_image = "registry.example.com/team/api:1.5.0@sha256:5555555555555555555555555555555555555555555555555555555555555555" # promoted
web_image = "registry.example.com/team/web:1.4.2"
replicas  = 3
zones     = ["a", "b"]
