//go:build tools

// Package argo pins the controller of Argo Rollouts that the tests build.
package argo

import _ "github.com/argoproj/argo-rollouts/cmd/rollouts-controller"
