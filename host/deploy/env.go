package deploy

import (
	"strconv"

	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/store"
)

// env returns the variables that Deta Space set for a Micro before its own.
func (d *Deployer) env(deployment store.Deployment, micro space.Micro) []string {
	app := deployment.App
	return []string{
		"DETA_API_KEY=" + app.APIKey,
		"DETA_PROJECT_KEY=" + app.Key,
		"DETA_RUNTIME=true",
		"DETA_SPACE_APP=true",
		"DETA_SPACE_APP_HOSTNAME=" + d.config.Hostname(app.Name),
		"DETA_SPACE_APP_MICRO_NAME=" + micro.Name,
		"DETA_SPACE_APP_MICRO_TYPE=" + micro.Type(),
		"DETA_SPACE_APP_VERSION=" + strconv.Itoa(deployment.Revision.Number),
		"PORT=8080", // Deta's; a CGI program has no use for it
	}
}
